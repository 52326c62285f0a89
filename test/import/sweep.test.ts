import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db/database.ts'
import { newId } from '../../src/domain/id.ts'
import { dropPath, workPath } from '../../src/domain/layout.ts'
import type { Log } from '../../src/domain/log.ts'
import type { Run } from '../../src/domain/run.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { Tenant, TenantSettings } from '../../src/domain/tenant.ts'
import { createOutcome } from '../../src/import/outcome.ts'
import { newRun } from '../../src/import/queue.ts'
import { createSweep } from '../../src/import/sweep.ts'
import { openFileStore } from '../../storage/index.ts'

const top = mkdtempSync(join(tmpdir(), 'rosterdrop-sweep-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
let rooms = 0

/** A client, the sweep of its folder, and a clock that is moved by hand. */
async function openRoom(settings: Partial<TenantSettings> = {}) {
  rooms += 1
  const folder = join(top, String(rooms))
  let now = Date.now()
  const clock = { now: () => now, random: (length: number) => systemClock.random(length) }
  const said: string[] = []
  const say = (message: string): void => void said.push(message)
  const log: Log = { debug: say, info: () => undefined, warn: say, error: say }
  const database = await openDatabase(`sqlite:${folder}`)
  const { state } = database
  const files = await openFileStore(join(folder, 'files'))
  const workers = { scrub: async () => false }
  const onMail = (): void => undefined
  const options = { state, files, clock, log, mailHost: 'x.example', onMail, workers }
  const outcome = createOutcome(options)
  const sweep = createSweep({ state, files, clock, log, outcome })
  const tenant: Tenant = {
    id: newId('tenant', clock),
    name: 'Maple',
    settings: { ...defaultSettings, ...settings },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: now,
  }
  await state.tenants.create(tenant)
  return {
    state,
    files,
    tenant,
    outcome,
    clock,
    pass: (milliseconds: number): void => void (now += milliseconds),
    async put(path: string, modifiedAt = now): Promise<void> {
      const staged = await files.openWrite(path)
      await staged.write(0, Buffer.from('email\na@x.ca\n'))
      await staged.commit({ overwrite: true })
      await files.touch(path, modifiedAt)
    },
    async sweep(): Promise<void> {
      await sweep.run()
      expect(said).toEqual([])
    },
    runs: () => state.runs.list({ tenantId: tenant.id, limit: 100 }),
    async mails(): Promise<string[]> {
      return (await state.outbox.list(tenant.id, 100)).map(({ kind }) => kind).toReversed()
    },
    async addRun(given: Partial<Run>): Promise<Run> {
      const run = newRun(clock, {
        tenantId: tenant.id,
        filename: 'users.csv',
        source: 'sftp',
        actor: 'maple',
        sourcePath: '',
        ...given,
      })
      await state.runs.create(run)
      return run
    },
    names: async (name: string) =>
      (await files.list(dropPath(tenant.id, '', name))).map(({ path }) => path.split('/').at(-1)),
    async close(): Promise<void> {
      await database.close()
      await files.close()
    },
  }
}

describe('sweep()', () => {
  test('makes a drop of a file that came by no session, once, when it has settled', async () => {
    const room = await openRoom({ settleSeconds: 5 })
    for (const folder of ['', 'test']) await room.put(dropPath(room.tenant.id, folder, 'a.csv'))
    await room.sweep()
    expect(await room.state.drops.list(room.tenant.id)).toEqual([])
    room.pass(6_000)
    await room.sweep()
    await room.sweep()
    const drops = await room.state.drops.list(room.tenant.id)
    expect(drops.map(({ folder, filename, source }) => ({ folder, filename, source }))).toEqual([
      { folder: '', filename: 'a.csv', source: 'folder' },
      { folder: 'test', filename: 'a.csv', source: 'folder' },
    ])
    expect(await room.runs()).toEqual([])
    await room.close()
  })

  test('takes nothing out of bak/ and failed/, whatever its name', async () => {
    const room = await openRoom()
    for (const folder of ['bak', 'failed']) {
      for (const name of ['users.csv', 'users.xlsx', 'users.csv.incomplete']) {
        await room.put(dropPath(room.tenant.id, folder, name))
      }
    }
    room.pass(60 * minuteMs)
    await room.sweep()
    expect(await room.state.drops.list(room.tenant.id)).toEqual([])
    expect(await room.runs()).toEqual([])
    expect(await room.names('bak')).toHaveLength(3)
    await room.close()
  })

  test('tells of a name that is not imported once for each name and time, and leaves it', async () => {
    const room = await openRoom()
    const path = dropPath(room.tenant.id, '', 'users.xlsx')
    await room.put(path)
    for (const name of ['.hidden', 'a.csv.part', '~$users.csv', 'b.tmp']) {
      await room.put(dropPath(room.tenant.id, '', name))
    }
    await room.sweep()
    expect(await room.runs()).toEqual([])
    room.pass(minuteMs)
    await room.sweep()
    await room.sweep()
    const [told, ...others] = await room.runs()
    expect(others).toEqual([])
    expect(told).toMatchObject({
      filename: 'users.xlsx',
      state: 'failed',
      fileReason: { code: 9109 },
    })
    expect(await room.mails()).toEqual(['rejected'])
    room.pass(minuteMs)
    await room.put(path)
    room.pass(minuteMs)
    await room.sweep()
    expect(await room.runs()).toHaveLength(2)
    expect(await room.mails()).toEqual(['rejected', 'rejected'])
    expect(await room.files.stat(path)).toBeDefined()
    await room.close()
  })

  test('tells of a cut upload when its client has not come back, and once', async () => {
    const room = await openRoom()
    await room.put(dropPath(room.tenant.id, '', 'cut.csv.incomplete'))
    room.pass(14 * minuteMs)
    await room.sweep()
    expect(await room.mails()).toEqual([])
    room.pass(2 * minuteMs)
    await room.sweep()
    await room.sweep()
    expect(await room.mails()).toEqual(['incomplete'])
    expect((await room.runs())[0]).toMatchObject({ fileReason: { code: 9113 } })

    // A cut file that was claimed came back into the folder, and was told of by its own run.
    const path = dropPath(room.tenant.id, '', 'back.csv.incomplete')
    await room.put(path)
    const run = await room.addRun({ filename: 'back.csv', sourcePath: path, state: 'failed' })
    await room.outcome.addMails(run, room.tenant, ['incomplete'])
    room.pass(20 * minuteMs)
    await room.sweep()
    expect(await room.mails()).toEqual(['incomplete', 'incomplete'])
    expect(await room.runs()).toHaveLength(2)
    await room.close()
  })

  test('deletes what is past the retention in bak/ and failed/, and nothing else', async () => {
    const room = await openRoom({ archiveDays: 2 })
    const stamp = (daysAgo: number): string =>
      `${new Date(room.clock.now() - daysAgo * dayMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z-1a2b3c4d`
    const keep = [`users.${stamp(1)}.csv`, 'notes.csv']
    for (const name of [...keep, `users.${stamp(3)}.csv`, `users.${stamp(3)}.rejected.csv`]) {
      await room.put(dropPath(room.tenant.id, 'bak', name))
    }
    await room.put(dropPath(room.tenant.id, 'failed', `users.failed-${stamp(3)}.csv`))
    await room.put(dropPath(room.tenant.id, 'failed', `users.failed-${stamp(1)}.csv`))
    await room.sweep()
    expect(new Set(await room.names('bak'))).toEqual(new Set(keep))
    expect(await room.names('failed')).toEqual([`users.failed-${stamp(1)}.csv`])
    await room.close()
  })

  test('rejects a held file after 72 hours, and tells', async () => {
    const room = await openRoom()
    const id = newId('run', room.clock)
    const sourcePath = workPath(room.tenant.id, id)
    await room.put(sourcePath)
    const fileReason = { code: 9112, sentence: 'held' }
    await room.addRun({ id, sourcePath, state: 'held', fileReason })
    room.pass(71 * hourMs)
    await room.sweep()
    expect((await room.runs())[0]?.state).toBe('held')
    room.pass(2 * hourMs)
    await room.sweep()
    const [run] = await room.runs()
    expect(run).toMatchObject({ state: 'rejected', mail: 'queued' })
    expect(run?.archivedAt).not.toBeNull()
    expect(await room.names('bak')).toEqual([expect.stringMatching(/\.rejected\.csv$/)])
    expect(await room.mails()).toEqual(['rejected'])
    await room.close()
  })

  test('tells of silence once for each time without a file, and only where that is wanted', async () => {
    const quiet = await openRoom()
    quiet.pass(1000 * hourMs)
    await quiet.sweep()
    expect(await quiet.mails()).toEqual([])
    await quiet.close()

    const room = await openRoom({ silenceHours: 26 })
    room.pass(25 * hourMs)
    await room.sweep()
    expect(await room.mails()).toEqual([])
    room.pass(2 * hourMs)
    await room.sweep()
    await room.sweep()
    expect(await room.mails()).toEqual(['silence'])
    await room.addRun({ state: 'completed', archivedAt: 1 })
    room.pass(25 * hourMs)
    await room.sweep()
    expect(await room.mails()).toEqual(['silence'])
    // A notice about another file is none.
    await room.put(dropPath(room.tenant.id, '', 'readme.md'))
    room.pass(2 * hourMs)
    await room.sweep()
    await room.sweep()
    const mails = await room.mails()
    expect(mails.filter((kind) => kind === 'silence')).toHaveLength(2)
    expect(mails).toHaveLength(3)
    await room.close()
  })
})

describe('addMails()', () => {
  test('puts off what completed to the end of the day where a digest is wanted', async () => {
    const room = await openRoom({ mailCompleted: 'daily', timeZone: 'America/Toronto' })
    const run = await room.addRun({ state: 'completed', archivedAt: 1 })
    await room.outcome.addMails(run, room.tenant, ['completed', 'failures'])
    await room.outcome.addMails(run, room.tenant, ['completed'])
    const mails = await room.state.outbox.forRun(run.id)
    const due = (kind: string) => mails.find((mail) => mail.kind === kind)?.nextAttemptAt ?? 0
    expect(mails).toHaveLength(2)
    expect(due('failures')).toBe(room.clock.now())
    expect(due('completed')).toBeGreaterThan(room.clock.now())
    const clock = new Date(due('completed')).toLocaleTimeString('en-CA', {
      timeZone: 'America/Toronto',
      hourCycle: 'h23',
    })
    expect(clock).toBe('00:00:00')
    await room.close()
  })
})
