import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { FileStore } from '../../src/domain/storage.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Stores `text` at `path` in one piece. */
export async function store(files: FileStore, path: string, text: string): Promise<void> {
  const staged = await files.openWrite(path)
  try {
    await staged.write(0, bytes(text))
    await staged.commit()
  } catch (error) {
    await staged.abort()
    throw error
  }
}

/** The text at `path`, or undefined. */
export async function load(files: FileStore, path: string): Promise<string | undefined> {
  if ((await files.stat(path)) === undefined) return undefined
  const reader = await files.openRead(path)
  const text = new TextDecoder().decode(await reader.read(0, reader.size))
  await reader.close()
  return text
}

/** A text of `length` characters that ends in `end`; longer than a driver keeps of an opened file. */
export const long = (end: string, length = 2_500_000): string =>
  end.padStart(length, '0123456789\n')

export const digest = (content: Uint8Array): string =>
  createHash('sha256').update(content).digest('hex')

/** The bytes at `path`, read in pieces as an import does. */
export async function readAll(files: FileStore, path: string): Promise<Uint8Array> {
  const reader = await files.openRead(path)
  const parts: Uint8Array[] = []
  for (let position = 0; position < reader.size;) {
    const part = await reader.read(position, 999_999)
    parts.push(part)
    position += part.length
  }
  await reader.close()
  return Buffer.concat(parts)
}

const names = async (files: FileStore, folder: string): Promise<string[]> =>
  (await files.list(folder)).map(({ path }) => path.slice(folder.length + 1))

// Each is another file than every other (spec/transfer.md, what a client sees).
const oddNames = [
  'a:b.csv',
  'a%3Ab.csv',
  'q?v=1.csv',
  'q?v=2.csv',
  'cost$',
  'cost',
  'x\\y.csv',
  'x#y.csv',
  ' outer spaces ',
  'quote".csv',
  '日本語.csv',
  'é.csv'.normalize('NFC'),
  'é.csv'.normalize('NFD'),
  '...',
  '-rf',
  `${'n'.repeat(251)}.csv`,
]

/** What every driver must do; `open` gives an empty store. A store that cannot keep times may say nothing to touch(). */
export function contract(
  name: string,
  open: () => Promise<FileStore>,
  { keepsTimes = true }: { keepsTimes?: boolean } = {},
): void {
  describe(`the storage contract: ${name}`, () => {
    test('openWrite() shows nothing before commit, and all of it after', async () => {
      const files = await open()
      const staged = await files.openWrite('drop/t/users.csv')
      await staged.write(0, bytes('hello '))
      await staged.write(6, bytes('world'))
      await staged.sync()
      expect(staged.size).toBe(11)
      expect(await files.list('drop/t')).toEqual([])
      expect(await files.stat('drop/t/users.csv')).toBeUndefined()
      const stored = await staged.commit()
      expect(stored).toMatchObject({ path: 'drop/t/users.csv', size: 11 })
      expect(await load(files, 'drop/t/users.csv')).toBe('hello world')
    })

    test('openWrite() takes writes out of order and truncates', async () => {
      const files = await open()
      const staged = await files.openWrite('a/b')
      await staged.write(3, bytes('def'))
      await staged.write(0, bytes('abc'))
      await staged.truncate(5)
      await staged.commit()
      expect(await load(files, 'a/b')).toBe('abcde')
    })

    test('commit() replaces the old version at once, and refuses where it must not', async () => {
      const files = await open()
      await store(files, 'a/b', 'old')
      const replacing = await files.openWrite('a/b')
      await replacing.write(0, bytes('new'))
      expect(await load(files, 'a/b')).toBe('old')
      await replacing.commit()
      expect(await load(files, 'a/b')).toBe('new')

      const refused = await files.openWrite('a/b')
      await refused.write(0, bytes('newer'))
      await expect(refused.commit({ overwrite: false })).rejects.toMatchObject({ code: 'exists' })
      await refused.abort()
      expect(await load(files, 'a/b')).toBe('new')
      expect(await names(files, 'a')).toEqual(['b'])
    })

    test('abort() leaves nothing, and the bytes that it began from where they were', async () => {
      const files = await open()
      await store(files, 'a/b.incomplete', 'first ')
      const staged = await files.openWrite('a/b', { from: 'a/b.incomplete' })
      await staged.write(6, bytes('second'))
      await staged.abort()
      expect(await names(files, 'a')).toEqual(['b.incomplete'])
      expect(await load(files, 'a/b.incomplete')).toBe('first ')
    })

    test('openWrite() from a cut upload goes on behind its bytes and takes its place at commit', async () => {
      const files = await open()
      await store(files, 'a/b.incomplete', 'first ')
      const staged = await files.openWrite('a/b', { from: 'a/b.incomplete' })
      expect(staged.size).toBe(6)
      await staged.write(6, bytes('second'))
      await staged.commit()
      expect(await names(files, 'a')).toEqual(['b'])
      expect(await load(files, 'a/b')).toBe('first second')
    })

    test('keep() publishes at another path', async () => {
      const files = await open()
      const staged = await files.openWrite('a/b')
      await staged.write(0, bytes('half'))
      await staged.keep('a/b.incomplete')
      expect(await names(files, 'a')).toEqual(['b.incomplete'])
    })

    test('every odd name is a file of its own and comes back as it was given', async () => {
      const files = await open()
      for (const name of oddNames) await store(files, `odd/${name}`, name)
      expect((await names(files, 'odd')).toSorted()).toEqual([...oddNames].toSorted())
      for (const name of oddNames) expect(await load(files, `odd/${name}`)).toBe(name)
      await files.move('odd/a:b.csv', 'moved/a:b$')
      expect(await names(files, 'moved')).toEqual(['a:b$'])
      expect(await load(files, 'odd/a%3Ab.csv')).toBe('a%3Ab.csv')
    })

    test('a path that would leave the store is refused', async () => {
      const files = await open()
      for (const path of ['../x', 'a/../../x', './x', 'a//b', '', 'a/\0']) {
        await expect(files.openWrite(path), path).rejects.toMatchObject({ code: 'invalid' })
      }
    })

    test('list() gives the files of one folder, sorted, with sizes, and none of an unknown one', async () => {
      const files = await open()
      await store(files, 'a/2', 'xx')
      await store(files, 'a/1', 'x')
      await store(files, 'a/sub/3', 'xxx')
      await store(files, 'ab/4', 'xxxx')
      expect(await files.list('a')).toMatchObject([
        { path: 'a/1', size: 1 },
        { path: 'a/2', size: 2 },
      ])
      expect(await files.list('nowhere')).toEqual([])
    })

    test('openRead() reads any part, and goes on after a move and a removal', async () => {
      const files = await open()
      await store(files, 'a/b', '0123456789')
      const reader = await files.openRead('a/b')
      await files.move('a/b', 'a/c')
      await files.remove('a/c')
      expect(reader.size).toBe(10)
      expect(new TextDecoder().decode(await reader.read(3, 4))).toBe('3456')
      expect(new TextDecoder().decode(await reader.read(8, 100))).toBe('89')
      expect(await reader.read(10, 5)).toHaveLength(0)
      await reader.close()
      await expect(files.openRead('a/b')).rejects.toMatchObject({ code: 'not_found' })
    })

    test('move() can be repeated, and refuses an unknown file and a taken name', async () => {
      const files = await open()
      await store(files, 'a/b', 'x')
      await files.move('a/b', 'c/d')
      await files.move('a/b', 'c/d')
      expect(await load(files, 'c/d')).toBe('x')
      await expect(files.move('a/b', 'c/e')).rejects.toMatchObject({ code: 'not_found' })
      await store(files, 'a/b', 'y')
      await expect(files.move('a/b', 'c/d', { overwrite: false })).rejects.toMatchObject({
        code: 'exists',
      })
      expect(await load(files, 'c/d')).toBe('x')
      await files.move('a/b', 'c/d')
      expect(await load(files, 'c/d')).toBe('y')
      expect(await names(files, 'a')).toEqual([])
    })

    test('remove() says whether there was one, and touch() sets the time where it can', async () => {
      const files = await open()
      await store(files, 'a/b', 'x')
      await files.touch('a/b', 1_700_000_000_000)
      const { modifiedAt } = (await files.stat('a/b')) ?? {}
      if (keepsTimes) expect(modifiedAt).toBe(1_700_000_000_000)
      else expect(Math.abs((modifiedAt ?? 0) - Date.now())).toBeLessThan(60_000)
      expect(await files.list('a')).toMatchObject([{ modifiedAt }])
      expect(await load(files, 'a/b')).toBe('x')
      expect(await files.remove('a/b')).toBe(true)
      expect(await files.remove('a/b')).toBe(false)
    })

    test('openRead() goes on after another file has taken the name', async () => {
      const files = await open()
      await store(files, 'a/b', long('old'))
      const reader = await files.openRead('a/b')
      await store(files, 'a/b', 'new')
      expect(await load(files, 'a/b')).toBe('new')
      const last = await reader.read(reader.size - 3, 10)
      expect(new TextDecoder().decode(last)).toBe('old')
      await reader.close()
      expect(await names(files, 'a')).toEqual(['b'])
    })

    test('openWrite() takes a long file in pieces, and openWrite() from its first bytes makes the same', async () => {
      const files = await open()
      const whole = bytes(long('in the middle', 13_000_000) + long('at the end', 1_000_001))
      const staged = await files.openWrite('a/whole')
      for (let done = 0; done < whole.length; done += 700_000) {
        await staged.write(done, whole.subarray(done, done + 700_000))
      }
      await staged.keep('a/cut')
      expect(digest(await readAll(files, 'a/cut'))).toBe(digest(whole))

      const resumed = await files.openWrite('a/whole', { from: 'a/cut' })
      await resumed.truncate(12_345_678)
      expect(resumed.size).toBe(12_345_678)
      await resumed.write(12_345_678, whole.subarray(12_345_678))
      expect(await resumed.commit()).toMatchObject({ path: 'a/whole', size: whole.length })
      expect(digest(await readAll(files, 'a/whole'))).toBe(digest(whole))
      expect(await names(files, 'a')).toEqual(['whole'])
    })

    test('what was never written reads as zeros', async () => {
      const files = await open()
      const staged = await files.openWrite('a/b')
      await staged.write(4, bytes('ef'))
      await staged.truncate(8)
      await staged.write(0, bytes('ab'))
      await staged.commit()
      expect(await load(files, 'a/b')).toBe('ab\0\0ef\0\0')
    })

    test('two writers of one name do not mix', async () => {
      const files = await open()
      const [one, two] = [await files.openWrite('a/b'), await files.openWrite('a/b')]
      await one.write(0, bytes('one one'))
      await two.write(0, bytes('two'))
      await one.commit()
      expect(await load(files, 'a/b')).toBe('one one')
      await two.commit()
      expect(await load(files, 'a/b')).toBe('two')
    })
  })
}
