import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
