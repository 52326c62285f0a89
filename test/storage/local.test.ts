import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { openFileStore } from '../../storage/index.ts'
import { localDriver } from '../../storage/local.ts'
import { keyOf, pathOf } from '../../storage/path.ts'
import { contract, load, store } from './contract.ts'

const made: string[] = []
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rosterdrop-storage-'))
  made.push(path)
  return path
}
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

contract('local', () => openFileStore(pathToFileURL(folder()).href))

describe('localDriver()', () => {
  test('has the real names on the disk', async () => {
    const root = folder()
    await store(localDriver({ folder: root }).files, 'drop/t/a:b?.csv', 'x')
    expect(readdirSync(join(root, 'drop', 't'))).toEqual(['a:b?.csv'])
  })

  test('recover() keeps what a dead process had staged, and leaves its own alone', async () => {
    const root = folder()
    const dead = localDriver({ folder: root }).files
    const half = await dead.openWrite('drop/t/users.csv')
    await half.write(0, new TextEncoder().encode('half'))
    await dead.openWrite('drop/t/empty.csv')

    const living = localDriver({ folder: root }).files
    const going = await living.openWrite('drop/t/going.csv')
    await going.write(0, new TextEncoder().encode('going on'))
    const kept = await living.recover((target) => `${target}.incomplete`)
    expect(kept).toMatchObject([{ path: 'drop/t/users.csv.incomplete', size: 4 }])
    expect((await living.list('drop/t')).map(({ path }) => path)).toEqual([
      'drop/t/users.csv.incomplete',
    ])
    await going.commit()
    expect(await load(living, 'drop/t/going.csv')).toBe('going on')
    expect(await living.recover((target) => target)).toEqual([])
  })

  test('makes a folder again that somebody has removed by hand', async () => {
    const root = folder()
    const { files } = localDriver({ folder: root })
    await store(files, 'drop/t/a.csv', 'x')
    rmSync(join(root, 'drop'), { recursive: true })
    await store(files, 'drop/t/b.csv', 'y')
    expect(await load(files, 'drop/t/b.csv')).toBe('y')
  })

  test('reads a staged file back before it is published, to its end and no further', async () => {
    const { files } = localDriver({ folder: folder() })
    await store(files, 'drop/t/a.csv', 'first')
    const staged = await files.openWrite('drop/t/a.csv', { from: 'drop/t/a.csv' })
    await staged.write(3, new TextEncoder().encode('ty-one'))
    const read = async (position: number, length: number) =>
      new TextDecoder().decode(await staged.read?.(position, length))
    expect(await read(0, 100)).toBe('firty-one')
    expect(await read(3, 2)).toBe('ty')
    expect(await read(9, 100)).toBe('')
    expect(await load(files, 'drop/t/a.csv')).toBe('first')
    await staged.commit()
    await expect(staged.read?.(0, 1)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('follows no symbolic link', async () => {
    const root = folder()
    mkdirSync(join(root, 'drop'))
    writeFileSync(join(root, 'secret'), 'secret')
    symlinkSync(join(root, 'secret'), join(root, 'drop', 'link'))
    const { files } = localDriver({ folder: root })
    expect(await files.list('drop')).toEqual([])
    await expect(files.openRead('drop/link')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('says nothing of the folder that it works in', async () => {
    const root = folder()
    writeFileSync(join(root, 'file'), 'x')
    const { files } = localDriver({ folder: root })
    const refused = await files.openRead('file/below').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'not_found' })
    expect(String(refused)).not.toContain(root)
    await expect(store(files, 'file/below', 'x')).rejects.toMatchObject({ code: 'exists' })
  })
})

describe('files made ahead', () => {
  /** Staged files and those made ahead, with their inodes. */
  function stagedIn(root: string): { name: string; inode: number }[] {
    const folder = join(root, '.staging')
    if (!existsSync(folder)) return []
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => ({ name, found: statSync(join(folder, name)) }))
      .filter(({ found }) => found.isFile())
      .map(({ name, found }) => ({ name, inode: found.ino }))
  }
  const aheadIn = (root: string) => stagedIn(root).filter(({ name }) => name.includes('/ahead-'))

  test('are there after the first upload, and the next one is one of them', async () => {
    const root = folder()
    const { files } = localDriver({ folder: root })
    expect(stagedIn(root)).toEqual([])
    await store(files, 'drop/t/first.csv', 'x')
    await expect.poll(() => aheadIn(root)).toHaveLength(4)
    const inodes = aheadIn(root).map(({ inode }) => inode)

    const staged = await files.openWrite('drop/t/next.csv')
    const next = stagedIn(root).find(({ name }) => name.endsWith('next.csv'))
    expect(inodes).toContain(next?.inode)
    await staged.write(0, new TextEncoder().encode('next'))
    await staged.commit()
    expect(await load(files, 'drop/t/next.csv')).toBe('next')
    await expect.poll(() => aheadIn(root)).toHaveLength(4)
    await files.close()
    expect(stagedIn(root)).toEqual([])
    expect(readdirSync(join(root, '.staging'))).toEqual([])
  })

  test('of a dead process are no uploads, and are removed with its folder', async () => {
    const root = folder()
    await store(localDriver({ folder: root }).files, 'drop/t/first.csv', 'x')
    await expect.poll(() => aheadIn(root)).toHaveLength(4)
    expect(await localDriver({ folder: root }).files.recover((target) => target)).toEqual([])
    expect(readdirSync(join(root, '.staging'))).toEqual([])
  })

  test('that somebody has removed by hand cost nobody an upload', async () => {
    const root = folder()
    const { files } = localDriver({ folder: root })
    await store(files, 'drop/t/first.csv', 'x')
    await expect.poll(() => aheadIn(root)).toHaveLength(4)
    const [own = ''] = readdirSync(join(root, '.staging'))
    for (let n = 0; n < 4; n += 1)
      rmSync(join(root, '.staging', own, `ahead-${n}`), { recursive: true })
    for (let n = 0; n < 6; n += 1) await store(files, `drop/t/${n}.csv`, String(n))
    expect(await load(files, 'drop/t/5.csv')).toBe('5')
    await expect.poll(() => aheadIn(root)).toHaveLength(4)
  })

  test('are not made where several processes share the folder', async () => {
    const root = folder()
    const { files } = localDriver({ folder: root, shared: true })
    for (let n = 0; n < 3; n += 1) await store(files, `drop/t/${n}.csv`, 'x')
    expect(aheadIn(root)).toEqual([])
    await files.close()
  })
})

describe('openFileStore()', () => {
  test('names the known schemes when it is given another', async () => {
    await expect(openFileStore('gopher://x/')).rejects.toThrow(/one of file, memory, s3 is needed/)
  })
})

describe('a driver of unstorage', () => {
  test('keeps items apart whose keys the library would take for one', async () => {
    const driver = localDriver({ folder: folder() })
    for (const path of ['a/report?v=1.csv', 'a/report?v=2.csv', 'a/x:y', 'a/cost$']) {
      await driver.setItem?.(keyOf(path), path, {})
    }
    const keys = await driver.getKeys('', {})
    expect(keys.map(pathOf).toSorted()).toEqual([
      'a/cost$',
      'a/report?v=1.csv',
      'a/report?v=2.csv',
      'a/x:y',
    ])
    expect(await driver.getItem(keyOf('a/report?v=1.csv'))).toBe('a/report?v=1.csv')
    expect(await driver.hasItem(keyOf('a/cost'), {})).toBe(false)
  })
})
