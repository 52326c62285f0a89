import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPlaces, maxPlaces } from '../../src/import/places.ts'
import { createSieve } from '../../src/import/sieve.ts'
import type { Sieve } from '../../src/import/sieve.ts'
import { openSource } from '../../src/import/source.ts'
import type { Source } from '../../src/import/source.ts'
import { mark } from '../../src/import/user-set.ts'
import { readRecord, recordText, walk } from '../../src/import/walk.ts'
import { comparisonKey } from '../../src/domain/user.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { sieveModule } from '../support/sieve-module.ts'

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'é', 'Ada', '613-555-0123', "'", ' ') },
  { weight: 2, arbitrary: fc.constantFrom('"', '""', '\n', '\n', '\r', '\r\n', ',', ',"') },
)
// Enough for several of the sieve's blocks of 16 bytes, and records that come again.
const body = fc
  .array(fc.array(piece, { maxLength: 30 }), { maxLength: 12 })
  .chain((parts) => fc.shuffledSubarray([...parts, ...parts]))
  .map((parts) => parts.map((pieces) => pieces.join('')).join('\n'))

async function sourceOf(text: string, most: number): Promise<Source> {
  const { files } = memoryDriver()
  const staged = await files.openWrite('work/ten/run')
  // Said, not guessed: rows may look as if something else parted them.
  await staged.write(0, Buffer.from(`sep=,\nemail,c1,c2\n${text}`))
  await staged.commit()
  const source = await openSource({
    files,
    path: 'work/ten/run',
    filename: 'users.csv',
    settings: { columnMap: {} },
    previousFields: [],
  })
  const { file } = source
  return {
    ...source,
    file: { ...file, read: (position, length) => file.read(position, Math.min(length, most)) },
  }
}

interface Met {
  position: number
  line: number
  record: string
  cells: string[]
  hash: number
}

/** Every record, or those that are not known: each known user is met once without a visit. */
async function meet(source: Source, sieve: Sieve, sifts: boolean) {
  const met: Met[] = []
  // Taken for more lines than they have: such records are never known.
  const cut = new Set<number>()
  const places = createPlaces(maxPlaces)
  let passed = 0
  const done = await walk({
    source,
    sieve,
    position: source.position,
    line: source.line,
    ...(sifts ? { passOver: (count: number) => void (passed += count) } : {}),
    visit({ record: found, hash, userId, failed }) {
      if (userId !== 0 && !mark(sieve.present, userId)) {
        passed += 1
        return
      }
      const position = found.position()
      const { cells } = readRecord(found, source)
      met.push({ position, line: found.line, record: recordText(found, source), cells, hash })
      if (found.unclosed) cut.add(hash)
      places.add({ record: found, hash, userId, failed })
    },
  })
  expect(done).toBe(true)
  return { met, cut, passed, places }
}

describe('createSieve()', () => {
  test('passes over what is known once and over nothing else, wherever a piece of the file ends', async () => {
    let passedInAll = 0
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        async (text, most, choice) => {
          const source = await sourceOf(text, most)
          const all = await meet(source, createSieve({ lastUserId: 0, seed: 7 }), false)
          const hashes = [
            ...new Set(all.met.flatMap(({ hash }) => (all.cut.has(hash) ? [] : hash))),
          ]
          const known = hashes.filter((_, index) => ((choice >> (index % 20)) & 1) === 1)
          const sieve = createSieve({ lastUserId: known.length + 3, seed: 7 })
          sieve.know(1, Float64Array.from(known.toReversed()))
          const { met, passed } = await meet(source, sieve, true)
          const firsts = new Set(known)
          expect(met).toEqual(all.met.filter(({ hash }) => !firsts.delete(hash)))
          expect(passed).toBe(known.length)
          passedInAll += passed
          await source.close()
        },
      ),
      { numRuns: 800 },
    )
    expect(passedInAll).toBeGreaterThan(1000)
  })

  test('splits records into the same cells as whoever reads all of the record', async () => {
    const cell = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom('', 'a', 'Ada', '613-555-0123', ' b ') },
      {
        weight: 2,
        arbitrary: fc.constantFrom('é', 'Benoît', '日本', 'x'.repeat(70), '\0', '\x7f'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('"q"', '""', '"a,b;c|d\te"', '"é,"', `"${'y,'.repeat(40)}"`),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom('a"', '"a""b"', '"a" ', ' "a"', '"\0"', '"'.repeat(3)),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }) },
    )
    let [split, splitQuoted] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { maxLength: 40 }), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.integer({ min: 1, max: 4096 }),
        async (rows, delimiter, most) => {
          const text = `${rows.map((cells) => cells.join(delimiter)).join('\n')}\n`
          // More would be no CSV.
          fc.pre(20 * (text.split('\0').length - 1) < text.length)
          const source = { ...(await sourceOf(text, most)), delimiter }
          const [plain, splitting] = [1, 2].map(() => createSieve({ lastUserId: 0, seed: 7 }))
          splitting?.splitCells(delimiter)
          const [expected, found] = await Promise.all(
            [plain, splitting].map(async (sieve) => {
              const cells: string[][] = []
              await walk({
                source,
                sieve: sieve ?? createSieve({ lastUserId: 0, seed: 7 }),
                position: source.position,
                line: source.line,
                visit({ record }) {
                  if (record.cells(source.decode) !== undefined) {
                    split += 1
                    if (record.quoted) splitQuoted += 1
                  }
                  cells.push(readRecord(record, source).cells)
                },
              })
              return cells
            }),
          )
          expect(found).toEqual(expected)
          await source.close()
        },
      ),
      { numRuns: 500 },
    )
    expect(splitQuoted).toBeGreaterThan(100)
    expect(split).toBeGreaterThan(500)
  })

  test.each(['é', 'b'])(
    'of more cells than it has room for, the others are split all the same: %s',
    async (letter) => {
      const row = Array.from({ length: 30_000 }, (_, index) => (index % 7 === 0 ? letter : 'a'))
      const source = await sourceOf(`${row.join(',')}\n`.repeat(5), 2 ** 20)
      const sieve = createSieve({ lastUserId: 40, seed: 7 })
      // They lie right behind the room for cells.
      sieve.know(
        1,
        Float64Array.from({ length: 40 }, (_, index) => index + 1),
      )
      sieve.splitCells(',')
      const known: boolean[] = []
      await walk({
        source,
        sieve,
        position: source.position,
        line: source.line,
        passOver: () => undefined,
        visit({ record }) {
          known.push(record.cells(source.decode) !== undefined)
          expect(readRecord(record, source).cells).toEqual(row)
        },
      })
      expect(known).toHaveLength(5)
      expect(known).toContain(true)
      expect(known).toContain(false)
      for (let user = 1; user <= 40; user += 1) expect(sieve.find(user)).toBe(user)
      await source.close()
    },
  )

  test('of any number of plain cells', async () => {
    // Up to 64 cells end in a block of 64 bytes, and a record ends anywhere in one.
    const rows = Array.from({ length: 200 }, (_, count) =>
      Array.from({ length: count + 1 }, (_unused, n) => 'x'.repeat((n * 7 + count) % 11)),
    )
    const short = Array.from({ length: 200 }, (_, count) => ['u', ...Array<string>(count).fill('')])
    const expected = [...rows, ...short]
    const text = expected.map((cells) => `${cells.join(',')}\n`).join('')
    const source = await sourceOf(text, 2 ** 20)
    const sieve = createSieve({ lastUserId: 0, seed: 7 })
    sieve.splitCells(',')
    const found: string[][] = []
    let split = 0
    await walk({
      source,
      sieve,
      position: source.position,
      line: source.line,
      visit({ record }) {
        if (record.cells(source.decode) !== undefined) split += 1
        found.push(readRecord(record, source).cells)
      },
    })
    expect(found).toEqual(expected)
    // Nobody sees the first of a piece before it is read.
    expect(split).toBe(expected.length - 1)
    await source.close()
  })

  test('reads the keys of plain records as whoever reads all of the record', async () => {
    const cell = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom('', 'u1', 'ADA@Maple.example', 'n-1', '[\\]^_`{|}~@'),
      },
      { weight: 2, arbitrary: fc.constantFrom(' u1', 'u1 ', 'é', 'a b', 'x'.repeat(600)) },
      { weight: 2, arbitrary: fc.constantFrom('"q"', '"Q,1"', '""', '" q"', '"a""b"', 'a"b"') },
      { weight: 2, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) },
    )
    const column = fc.integer({ min: -1, max: 4 })
    let [read, readQuoted] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
        fc.tuple(column, column, column),
        async (rows, [uuid, email, username]) => {
          fc.pre(new Set([uuid, email, username]).size === 3)
          const source = await sourceOf(
            `${rows.map((cells) => cells.join(',')).join('\n')}\n`,
            4096,
          )
          const sieve = createSieve({ lastUserId: 0, seed: 7 })
          sieve.readKeys({ uuid, email, username }, ',')
          await walk({
            source,
            sieve,
            position: source.position,
            line: source.line,
            visit({ record: found, keys }) {
              if (keys === null) return
              const { cells } = readRecord(found, source)
              const hashOf = (kind: string, at: number): number => {
                const text = at < 0 ? '' : (cells[at] ?? '')
                expect(text).toBe(text.trim())
                if (text === '') return 0
                return sieve.keyHash(`${kind}:${kind === 'u' ? text : comparisonKey(text)}`)
              }
              expect(recordText(found, source)).not.toMatch(/[\u0080-\uffff]|[^,]"[^,]/)
              const expected = {
                uuid: hashOf('u', uuid),
                email: hashOf('e', email),
                username: hashOf('n', username),
              }
              expect({ ...keys }).toEqual(expected)
              expect(Math.max(...Object.values(expected))).toBeGreaterThan(0)
              read += 1
              if (found.quoted) readQuoted += 1
            },
          })
          await source.close()
        },
      ),
      { numRuns: 500 },
    )
    expect(read).toBeGreaterThan(300)
    expect(readQuoted).toBeGreaterThan(30)
  })

  test('takes different records for different ones, and the same for the same', async () => {
    const records = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(body, fc.integer({ min: 1, max: 40 }), async (text, most) => {
        const source = await sourceOf(text, most)
        const sieve = createSieve({ lastUserId: 0, seed: 7 })
        const other = createSieve({ lastUserId: 0, seed: 8 })
        const { met } = await meet(source, sieve, false)
        for (const { record } of met) {
          const bytes = Buffer.from(record)
          sieve.room.set(bytes)
          other.room.set(bytes)
          const hash = sieve.fingerprint(0, bytes.length)
          expect(Number.isSafeInteger(hash) && hash > 0).toBe(true)
          expect(other.fingerprint(0, bytes.length)).not.toBe(hash)
          expect(records.get(record) ?? hash).toBe(hash)
          records.set(record, hash)
        }
        await source.close()
      }),
      { numRuns: 400 },
    )
    expect(new Set(records.values()).size).toBe(records.size)
  })

  test('tells records apart that differ in one bit, at every length and place', () => {
    const sieve = createSieve({ lastUserId: 0, seed: 1 })
    const seen = new Set<number>()
    let count = 0
    for (let length = 0; length <= 70; length += 1) {
      sieve.room.fill(0x61, 0, 100)
      seen.add(sieve.fingerprint(0, length))
      count += 1
      for (let bit = 0; bit < length * 8; bit += 1) {
        const [at, flag] = [bit >> 3, 1 << (bit & 7)]
        sieve.room[at] = 0x61 ^ flag
        seen.add(sieve.fingerprint(0, length))
        sieve.room[at] = 0x61
        count += 1
      }
    }
    expect(seen.size).toBe(count)
  })

  test('is made of the text that stands beside it', async () => {
    const file = join(import.meta.dirname, '..', '..', 'src', 'import', 'sieve-module.ts')
    expect(readFileSync(file, 'utf8')).toBe(await sieveModule())
  })
})

describe('createPlaces()', () => {
  test('gives the records back as they were read, and their places when they are too many', async () => {
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const source = await sourceOf(text, 1 << 20)
        const sieve = createSieve({ lastUserId: 0, seed: 7 })
        const { met, places } = await meet(source, sieve, false)
        const again: Met[] = []
        await walk({
          source,
          sieve,
          places,
          position: source.position,
          line: source.line,
          visit({ record: found, hash }) {
            const { cells } = readRecord(found, source)
            const record = recordText(found, source)
            again.push({ position: found.position(), line: found.line, record, cells, hash })
          },
        })
        expect(again).toEqual(met)
        const onlyPlaces = { ...places, count: places.count, record: () => undefined }
        const third: Met[] = []
        await walk({
          source,
          sieve,
          places: onlyPlaces,
          position: source.position,
          line: source.line,
          visit({ record: found, hash }) {
            const { cells } = readRecord(found, source)
            const record = recordText(found, source)
            third.push({ position: found.position(), line: found.line, record, cells, hash })
          },
        })
        expect(third).toEqual(met)
        await source.close()
      }),
      { numRuns: 300 },
    )
  })
})
