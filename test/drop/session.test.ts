import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { DropSession } from '../../src/domain/drop.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { load, store } from '../storage/contract.ts'
import { addClient, door, loggedIn } from './door.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

let state: StateStore
let files: FileStore
let session: DropSession
let commits: { tenantId: string; uploadedBytes: number }[]

beforeEach(async () => {
  state = openState(':memory:')
  files = memoryDriver().files
  commits = []
  await addClient(state, 'maple')
  session = await loggedIn(door({ state, files, commits }), 'maple')
})

async function put(path: string, text: string, disposition: 'replace' | 'append' = 'replace') {
  const upload = await session.openWrite(path, { disposition })
  await upload.write(upload.size, bytes(text))
  await upload.commit()
}

const names = async (path = '/') => (await session.list(path)).map(({ name }) => name)
const drops = () => state.drops.list('ten_maple')

describe('a drop session', () => {
  test('openWrite() shows an upload to its own session only, and records a drop at commit', async () => {
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(0, bytes('email\n'))
    expect(await session.list('/')).toMatchObject([{ name: 'users.csv', size: 6 }])
    const other = await loggedIn(door({ state, files, commits }), 'maple')
    expect(await other.list('/')).toEqual([])
    expect(await drops()).toEqual([])
    await upload.commit()
    expect(await other.list('/')).toMatchObject([{ name: 'users.csv', size: 6 }])
    expect(await drops()).toMatchObject([
      {
        filename: 'users.csv',
        path: 'drop/ten_maple/users.csv',
        sizeBytes: 6,
        source: 'sftp',
        sha256: createHash('sha256').update('email\n').digest('hex'),
      },
    ])
    expect(commits).toEqual([{ tenantId: 'ten_maple', uploadedBytes: 6 }])
  })

  test('a file written out of order has no digest, and all of its bytes', async () => {
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(6, bytes('a@b.example\n'))
    await upload.write(0, bytes('email\n'))
    await upload.commit()
    expect(await drops()).toMatchObject([{ sha256: null, sizeBytes: 18 }])
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('email\na@b.example\n')
  })

  test('an upload that is cut stays as incomplete, leaves the old version whole and makes no drop', async () => {
    await store(files, 'drop/ten_maple/users.csv', 'old')
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(0, bytes('half'))
    await session.end('connection lost')
    await expect(upload.write(4, bytes('more'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('old')
    expect(await load(files, 'drop/ten_maple/users.csv.incomplete')).toBe('half')
    expect(await drops()).toEqual([])
    const audit = await state.audit.list({ limit: 2 })
    expect(audit).toMatchObject([
      { event: 'DISCONNECTED' },
      { event: 'PARTIAL_CLOSE', bytes: 4, detail: 'connection lost' },
    ])
  })

  test('an upload that is cut before its first byte leaves nothing', async () => {
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.cut('gone')
    expect(await names()).toEqual([])
  })

  test('a cut upload is resumed at any byte that is there, and not beyond', async () => {
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(0, bytes('email\nada'))
    await upload.cut('gone')
    expect(await session.stat('/users.csv')).toMatchObject({ size: 9 })
    await expect(
      session.openWrite('/users.csv', { disposition: 'resume', offset: 10 }),
    ).rejects.toMatchObject({ code: 'invalid' })
    const resumed = await session.openWrite('/users.csv', { disposition: 'resume', offset: 6 })
    await resumed.write(6, bytes('eve@b.example\n'))
    await resumed.commit()
    expect(await names()).toEqual(['users.csv'])
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('email\neve@b.example\n')
    expect(await drops()).toHaveLength(1)
  })

  test('a cut upload over an older file is what its client goes on with, and never that file', async () => {
    for (const how of ['append', 'resume'] as const) {
      await put('/users.csv', 'old old old old old\n')
      const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
      await upload.write(0, bytes('email\nada'))
      await upload.cut('gone')
      expect(await session.stat('/users.csv')).toMatchObject({ size: 9 })
      expect(await load(files, 'drop/ten_maple/users.csv')).toBe('old old old old old\n')
      await expect(
        session.openWrite('/users.csv', { disposition: 'resume', offset: 20 }),
      ).rejects.toMatchObject({ code: 'invalid' })
      const resumed = await session.openWrite('/users.csv', { disposition: how, offset: 9 })
      expect(resumed.size).toBe(9)
      await resumed.write(9, bytes('@b.example\n'))
      await resumed.commit()
      expect(await names()).toEqual(['users.csv'])
      expect(await load(files, 'drop/ten_maple/users.csv')).toBe('email\nada@b.example\n')
      await session.remove('/users.csv')
    }
  })

  test('nobody goes on where a cut upload is older than the file: which of the two is meant is not known', async () => {
    await put('/users.csv', 'email\n')
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(0, bytes('half of it'))
    await upload.cut('gone')
    await files.touch('drop/ten_maple/users.csv', Date.now() + 60_000)
    expect(await session.stat('/users.csv')).toMatchObject({ size: 6 })
    for (const how of [{ disposition: 'append' }, { disposition: 'resume', offset: 6 }] as const) {
      await expect(session.openWrite('/users.csv', how)).rejects.toMatchObject({ code: 'conflict' })
    }
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('email\n')
    expect(await load(files, 'drop/ten_maple/users.csv.incomplete')).toBe('half of it')
    await put('/users.csv', 'all of it')
    expect(await names()).toEqual(['users.csv'])
  })

  test('rename() onto a name ends what was cut of it before, as a commit does', async () => {
    const upload = await session.openWrite('/users.csv', { disposition: 'replace' })
    await upload.write(0, bytes('half of it'))
    await upload.cut('gone')
    await put('/users.csv.filepart', 'email\n')
    await session.rename('/users.csv.filepart', '/users.csv', { overwrite: true })
    expect(await names()).toEqual(['users.csv'])
    await put('/users.csv', 'ada@b.example\n', 'append')
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('email\nada@b.example\n')
  })

  test('each commit of a name is a generation, in the order of the commits', async () => {
    await put('/users.csv', 'first')
    await put('/users.csv', 'second')
    const [older, newer, ...more] = await drops()
    expect(more).toEqual([])
    expect(older).toMatchObject({ sizeBytes: 5, readyAt: 0, filename: 'users.csv' })
    expect(newer).toMatchObject({ sizeBytes: 6, path: 'drop/ten_maple/users.csv' })
    expect(await load(files, older?.path ?? '')).toBe('first')
    expect(await load(files, newer?.path ?? '')).toBe('second')
  })

  test('what is appended to a waiting file supersedes it: a part is never imported on its own', async () => {
    await put('/users.csv', 'email\n')
    await put('/users.csv', 'ada@b.example\n', 'append')
    expect(await drops()).toMatchObject([{ sizeBytes: 20, path: 'drop/ten_maple/users.csv' }])
  })

  test('rename() from a name that is left alone makes a drop, and away from one takes it back', async () => {
    await put('/users.csv.filepart', 'email\n')
    expect(await drops()).toEqual([])
    await session.rename('/users.csv.filepart', '/users.csv', { overwrite: false })
    expect(commits.at(-1)).toEqual({ tenantId: 'ten_maple', uploadedBytes: 0 })
    expect(await drops()).toMatchObject([{ filename: 'users.csv' }])
    await put('/other.csv', 'x')
    await expect(
      session.rename('/other.csv', '/users.csv', { overwrite: false }),
    ).rejects.toMatchObject({ code: 'exists' })
    await session.rename('/users.csv', '/users.csv.part', { overwrite: false })
    expect((await drops()).map(({ filename }) => filename)).toEqual(['other.csv'])
  })

  test('remove() takes the drop back and says when there is no such file', async () => {
    await put('/users.csv', 'email\n')
    await session.remove('/users.csv')
    expect(await drops()).toEqual([])
    await expect(session.remove('/users.csv')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('bak/ and failed/ appear with their first file and are read-only', async () => {
    expect(await names()).toEqual([])
    await expect(session.list('/bak')).rejects.toMatchObject({ code: 'not_found' })
    await store(files, 'drop/ten_maple/bak/x.csv', 'x')
    expect(await session.list('/')).toMatchObject([
      { name: 'bak', kind: 'folder', writable: false },
    ])
    for (const refused of [
      () => session.openWrite('/bak/y.csv', { disposition: 'replace' }),
      () => session.remove('/bak/x.csv'),
      () => session.rename('/bak/x.csv', '/x.csv', { overwrite: true }),
      () => session.makeFolder('/bak'),
      () => session.removeFolder('/bak'),
      () => session.openWrite('/bak', { disposition: 'replace' }),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'forbidden' })
    }
    expect(await names('/bak')).toEqual(['x.csv'])
    const reader = await session.openRead('/bak/x.csv')
    expect(reader.size).toBe(1)
    await reader.close()
  })

  test('makeFolder() makes test/ and no other folder', async () => {
    await session.makeFolder('/test')
    expect(await session.list('/')).toMatchObject([{ name: 'test', kind: 'folder' }])
    expect(await session.list('/test')).toEqual([])
    await put('/test/users.csv', 'email\n')
    expect(await drops()).toMatchObject([{ folder: 'test', filename: 'users.csv' }])
    for (const path of ['/full', '/other', '/test/deeper']) {
      await expect(session.makeFolder(path)).rejects.toMatchObject({ code: 'forbidden' })
    }
    await expect(session.removeFolder('/test')).rejects.toMatchObject({ code: 'conflict' })
    await session.remove('/test/users.csv')
    await session.removeFolder('/test')
    expect(await names()).toEqual([])
  })

  test('resolve() never leaves the drop folder, and refuses names that no file may have', async () => {
    expect(session.resolve('/test', '../../../etc/passwd')).toBe('/etc/passwd')
    expect(session.resolve('/', 'a/./b/..')).toBe('/a')
    for (const name of ['a\0b', 'a\nb', 'x'.repeat(256), '\uD800']) {
      expect(() => session.resolve('/', name)).toThrow(/^Cannot use the name/)
    }
    await expect(session.stat('/etc/passwd')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('one session cannot hold more than its handles, nor a file more than its bytes', async () => {
    const limited = await loggedIn(
      door({ state, files, commits, limits: { handles: 2, fileBytes: 10 } }),
      'maple',
    )
    const one = await limited.openWrite('/1.csv', { disposition: 'replace' })
    await limited.openWrite('/2.csv', { disposition: 'replace' })
    await expect(limited.openWrite('/3.csv', { disposition: 'replace' })).rejects.toMatchObject({
      code: 'too_many',
    })
    await expect(one.write(5, bytes('sixsix'))).rejects.toMatchObject({ code: 'too_large' })
    await limited.end('done')
    expect(await names()).toEqual([])
  })

  test('two clients with the same names have different files', async () => {
    await addClient(state, 'oak')
    const other = await loggedIn(door({ state, files, commits }), 'oak')
    await put('/users.csv', 'mine')
    expect(await other.list('/')).toEqual([])
    await expect(other.openRead('/../ten_maple/users.csv')).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(other.remove('/users.csv')).rejects.toMatchObject({ code: 'not_found' })
    expect(await load(files, 'drop/ten_maple/users.csv')).toBe('mine')
  })
})
