import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openState } from '../../src/db/sqlite/state.ts'
import type { DropUpload } from '../../src/domain/drop.ts'
import { dropPath, workPath } from '../../src/domain/layout.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore, StagedFile } from '../../src/domain/storage.ts'
import { recoverUploads, sweepIncomplete } from '../../src/drop/recover.ts'
import { localDriver } from '../../storage/local.ts'
import { load } from '../storage/contract.ts'
import { addClient, door, loggedIn, silent } from './door.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const day = 24 * 3_600_000
/** Uploads of processes that are dead in the tests: their files stay open, as nobody closes them. */
const dead: DropUpload[] = []
const writing: StagedFile[] = []

describe('a drop folder on the disk', () => {
  let folder: string
  let state: StateStore
  let files: FileStore
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rosterdrop-restart-'))
    open()
    await addClient(state, 'maple')
  })
  afterEach(async () => {
    await state.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function open(): void {
    state = openState(join(folder, 'state.db'))
    files = localDriver({ folder: join(folder, 'files') }).files
  }
  /** The process dies as it is, and another begins. */
  async function restart(): Promise<void> {
    await state.close()
    open()
    await recoverUploads({ state, files, clock: systemClock, log: silent })
  }
  const session = () => loggedIn(door({ state, files, allowList: ['127.0.0.1'] }), 'maple')
  async function put(path: string, text: string): Promise<void> {
    const upload = await (await session()).openWrite(path, { disposition: 'replace' })
    await upload.write(0, bytes(text))
    await upload.commit()
  }
  const names = async () => (await (await session()).list('/')).map(({ name }) => name)

  test('keeps no report, archive or mail that the process was writing: they are made again', async () => {
    for (const path of [
      dropPath('ten_maple', 'failed', 'users.failed-x.csv'),
      dropPath('ten_maple', 'bak', 'users.x.csv'),
      'mail/ten_maple/mail_1.eml',
      dropPath('ten_maple', 'test', 'users.csv'),
    ]) {
      const staged = await files.openWrite(path)
      await staged.write(0, bytes('email\nada'))
      writing.push(staged)
    }
    await restart()
    expect(await files.list(dropPath('ten_maple', '', 'failed'))).toEqual([])
    expect(await files.list(dropPath('ten_maple', '', 'bak'))).toEqual([])
    const audit = await state.audit.list({ limit: 20 })
    expect(audit.flatMap(({ event, path }) => (event === 'PARTIAL_CLOSE' ? [path] : []))).toEqual([
      '/users.csv.incomplete',
    ])
  })

  test('has after a restart what was committed, and as a cut upload what was not', async () => {
    await put('/done.csv', 'email\n')
    // So long that ".incomplete" has no room behind it.
    const long = `${'é'.repeat(125)}x.csv`
    const first = await session()
    for (const path of ['/half.csv', `/${long}`]) {
      const upload = await first.openWrite(path, { disposition: 'replace' })
      await upload.write(0, bytes('email\nada'))
      dead.push(upload)
    }
    dead.push(await first.openWrite('/nothing.csv', { disposition: 'replace' }))
    expect(await names()).toEqual(['done.csv'])
    await restart()
    const kept = await names()
    expect(kept).toHaveLength(3)
    expect(kept.filter((name) => name.endsWith('.incomplete'))).toHaveLength(2)
    for (const name of kept) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    expect((await state.drops.list('ten_maple')).map(({ filename }) => filename)).toEqual([
      'done.csv',
    ])
    const audit = await state.audit.list({ limit: 20 })
    expect(audit.filter(({ event }) => event === 'PARTIAL_CLOSE')).toHaveLength(2)

    const again = await session()
    expect(await again.stat('/half.csv')).toMatchObject({ size: 9 })
    for (const path of ['/half.csv', `/${long}`]) {
      const resumed = await again.openWrite(path, { disposition: 'resume', offset: 9 })
      await resumed.write(9, bytes('@maple.example\n'))
      await resumed.commit()
    }
    expect((await names()).toSorted()).toEqual(['done.csv', 'half.csv', long].toSorted())
    expect(await load(files, dropPath('ten_maple', '', long))).toBe('email\nada@maple.example\n')
    await restart()
    expect(await names()).toHaveLength(3)
  })

  test('tells once of a cut upload that was kept and that the dead process did not come to tell of', async () => {
    const cuts = async () =>
      (await state.audit.list({ limit: 20 })).filter(({ event }) => event === 'PARTIAL_CLOSE')
    await (await session()).makeFolder('/test')
    for (const path of ['/told.csv', '/test/untold.csv']) {
      const upload = await (await session()).openWrite(path, { disposition: 'replace' })
      await upload.write(0, bytes('half'))
      await upload.cut('gone')
    }
    await state.close()
    const db = new DatabaseSync(join(folder, 'state.db'))
    db.exec("DELETE FROM audit WHERE path = '/test/untold.csv'")
    db.close()
    open()
    const options = { state, files, clock: systemClock, log: silent }
    await recoverUploads(options)
    await recoverUploads(options)
    expect((await cuts()).map(({ path }) => path)).toEqual(['/untold.csv.incomplete', '/told.csv'])
  })

  test('sweeps cut uploads after a day, and nothing else', async () => {
    await put('/done.csv', 'email\n')
    const upload = await (await session()).openWrite('/half.csv', { disposition: 'replace' })
    await upload.write(0, bytes('half'))
    await upload.cut('gone')
    const at = (milliseconds: number) => ({
      ...systemClock,
      now: () => systemClock.now() + milliseconds,
    })
    const options = { state, files, log: silent }
    expect(await sweepIncomplete({ ...options, clock: at(day - 60_000) })).toBe(0)
    expect(await sweepIncomplete({ ...options, clock: at(day + 60_000) })).toBe(1)
    expect(await names()).toEqual(['done.csv'])
  })

  test.each([
    ['overwritten', async () => put('/users.csv', 'the next')],
    [
      'deleted',
      async () =>
        put('/users.csv', 'the next').then(async () => (await session()).remove('/users.csv')),
    ],
    [
      'renamed over',
      async () => {
        await put('/other.csv', 'the next')
        await (await session()).rename('/other.csv', '/users.csv', { overwrite: true })
      },
    ],
  ])('keeps the copy of a run whole while its name is %s', async (_, change) => {
    await put('/users.csv', 'the first')
    const [drop] = await state.drops.list('ten_maple')
    // What an import does: the file is taken away, and read where nobody else can reach it.
    const copy = workPath('ten_maple', 'run_1')
    await files.move(drop?.path ?? '', copy)
    await state.drops.remove('ten_maple', drop?.id ?? '')
    const reader = await files.openRead(copy)
    await change()
    expect(Buffer.from(await reader.read(0, 100)).toString()).toBe('the first')
    await reader.close()
    expect(await load(files, copy)).toBe('the first')
    await restart()
    expect(await load(files, copy)).toBe('the first')
  })

  test('imports each of two writers of one name, in the order of their commits', async () => {
    const [one, two] = [await session(), await session()]
    const first = await one.openWrite('/users.csv', { disposition: 'replace' })
    const second = await two.openWrite('/users.csv', { disposition: 'replace' })
    await first.write(0, bytes('from the first'))
    await second.write(0, bytes('from the second'))
    await second.commit()
    await first.commit()
    const drops = await state.drops.list('ten_maple')
    expect(await Promise.all(drops.map(({ path }) => load(files, path)))).toEqual([
      'from the second',
      'from the first',
    ])
    await restart()
    expect((await state.drops.list('ten_maple')).map(({ id }) => id)).toEqual(
      drops.map(({ id }) => id),
    )
  })
})
