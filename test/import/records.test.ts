import { setTimeout as pause } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBlankRecord } from '../../src/domain/cell.ts'
import type { FileReader } from '../../src/domain/storage.ts'
import { splitQuoted } from '../../src/import/cells.ts'
import { faultReader, parseRecord } from '../../src/import/odd-record.ts'
import { createRecords } from '../../src/import/records.ts'
import { openSource } from '../../src/import/source.ts'
import type { Source } from '../../src/import/source.ts'
import { chunkBytes, createSieve } from '../../src/import/sieve.ts'
import { readRecord, walk } from '../../src/import/walk.ts'
import { memoryDriver } from '../../storage/memory.ts'

const width = 3
const delimiters = [',', ';', '\t', '|'] as const

/** What stands in cells and between them, the nasty pieces often. */
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'é', '€', '\u{1f600}', ' ', "'", '=') },
  { weight: 2, arbitrary: fc.constantFrom('"', '""', '\n', '\r', '\r\n', ',', ';', '\t', '|') },
)
const cell = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''))
const lineEnd = fc.constantFrom('\n', '\r\n', '\r')

/** A well-formed document, its cells in quotes where they must be and sometimes where not. */
const document = fc.record({
  delimiter: fc.constantFrom(...delimiters),
  rows: fc.array(
    fc.record({
      cells: fc.array(fc.record({ cell, quoted: fc.boolean() }), {
        minLength: width,
        maxLength: width,
      }),
      end: lineEnd,
    }),
    { minLength: 1, maxLength: 8 },
  ),
})

function written({ delimiter, rows }: Parameters<Parameters<typeof document.map>[0]>[0]): string {
  return rows
    .map(({ cells, end }) => {
      const texts = cells.map(({ cell: text, quoted }) =>
        quoted || /["\r\n]/.test(text) || text.includes(delimiter)
          ? `"${text.replaceAll('"', '""')}"`
          : text,
      )
      return texts.join(delimiter) + end
    })
    .join('')
}

/** The same with some characters put in, taken out or doubled. */
const mutated = fc
  .record({
    document,
    changes: fc.array(fc.record({ at: fc.nat(), put: piece, drop: fc.nat({ max: 2 }) }), {
      maxLength: 4,
    }),
  })
  .map(({ document: good, changes }) => {
    let text = written(good)
    for (const { at, put, drop } of changes) {
      const place = at % (text.length + 1)
      text = (text.slice(0, place) + put + text.slice(place + drop)).toWellFormed()
    }
    return { text, delimiter: good.delimiter }
  })

/** A reader that gives a few bytes at a time, so that every place is once the end of a piece. */
function slowly(bytes: Buffer, most: number): FileReader {
  return {
    size: bytes.length,
    read: async (position, length) => bytes.subarray(position, position + Math.min(length, most)),
    close: async () => undefined,
  }
}

const names = Array.from({ length: width }, (_, index) => `c${index}`)

/** The source of a file without header whose records have `width` columns. */
async function sourceOf(text: string, delimiter: string, most: number): Promise<Source> {
  const { files } = memoryDriver()
  const staged = await files.openWrite('work/ten/run')
  await staged.write(0, Buffer.from(`email${delimiter}c1${delimiter}c2`))
  await staged.commit()
  const source = await openSource({
    files,
    path: 'work/ten/run',
    filename: 'users.csv',
    settings: { columnMap: {} },
    previousFields: [],
  })
  await source.close()
  const header = { ...source.header, names }
  return {
    ...source,
    header,
    delimiter,
    file: slowly(Buffer.from(text), most),
    position: 0,
    line: 1,
  }
}

interface Split {
  line: number
  lines: number
  cells: string[] | null
}

async function ours(text: string, delimiter: string, most = 1 << 20): Promise<Split[]> {
  const source = await sourceOf(text, delimiter, most)
  const records = createRecords({ file: source.file, position: 0, line: 1 })
  const found: Split[] = []
  for (;;) {
    if (!records.next()) {
      if (!(await records.fill())) return found
      continue
    }
    const { cells, fault } = readRecord(records, source)
    const { line } = records
    found.push({ line, lines: records.nextLine() - line, cells: fault === null ? cells : null })
  }
}

/** csv-parse's records, and whether it took all of the text. */
function oracle(text: string, delimiter: string): { records: string[][]; whole: boolean } {
  const records: string[][] = []
  try {
    parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      on_record: (record: string[]) => {
        records.push(record)
        return record
      },
    })
    return { records, whole: true }
  } catch {
    return { records, whole: false }
  }
}

const fits = (cells: string[]): boolean =>
  cells.length >= width && isBlankRecord(cells.slice(width))

const isBlankLine = (cells: string[]): boolean =>
  isBlankRecord(cells) && !/[\r\n]/.test(cells.join(''))

const runs = { numRuns: 1500 }

describe('createRecords()', () => {
  test('gives the right records when reads end in another order than they began', async () => {
    const line = (n: number): string => `record ${n},${'x'.repeat(90)}`
    const count = 200_000
    const lines = Array.from({ length: count }, (_, n) => `${line(n)}\n`)
    const bytes = Buffer.from(lines.join(''))
    let at = 0
    const positions = lines.map(({ length }) => (at += length) - length)
    // Of reads ahead every second one writes its bytes late: over those of a read into the same memory after it.
    let calls = 0
    const file: FileReader = {
      size: bytes.length,
      async read(position, length, room = new Uint8Array(length)) {
        const isAhead = length === chunkBytes
        if (isAhead) calls += 1
        const late = isAhead && calls % 2 === 0
        if (isAhead) await pause(late ? 8 : 1)
        const found = bytes.subarray(position, position + length)
        room.set(found)
        if (isAhead && !late) await pause(12)
        return room.subarray(0, found.length)
      },
      close: async () => undefined,
    }
    const records = createRecords({ file, position: 0, line: 1 })
    const read = async (): Promise<string | undefined> => {
      while (!records.next()) if (!(await records.fill())) return undefined
      return records.buffer.toString('latin1', records.start, records.end)
    }
    for (let n = 0; n < 12_000; n += 1) expect(await read()).toBe(line(n))
    for (let from = 24_000; from < count; from += 24_000) {
      records.skipTo(positions[from] ?? 0, from + 1)
      const to = Math.min(from + 11_000, count)
      for (let n = from; n < to; n += 1) expect(await read()).toBe(line(n))
    }
    records.skipTo(positions[count - 1] ?? 0, count)
    expect(await read()).toBe(line(count - 1))
    expect(await read()).toBeUndefined()
  })
})

describe('splitQuoted()', () => {
  test('says of every line what csv-parse says of it', () => {
    const line = mutated.map(({ text, delimiter }) => ({
      text: text.replace(/[\r\n]/g, ''),
      delimiter,
    }))
    fc.assert(
      fc.property(line, ({ text, delimiter }) => {
        fc.pre(text !== '')
        expect(splitQuoted(text, delimiter)).toEqual(parseRecord(text, delimiter))
      }),
      runs,
    )
  })
})

describe('readRecord()', () => {
  test('gives the records of csv-parse for every well-formed document, however it is read', async () => {
    await fc.assert(
      fc.asyncProperty(document, fc.integer({ min: 1, max: 9 }), async (good, most) => {
        const text = written(good)
        const expected = oracle(text, good.delimiter)
        expect(expected.whole).toBe(true)
        const split = await ours(text, good.delimiter, most)
        const rows = (all: (string[] | null)[]) =>
          all.filter((cells) => !isBlankRecord(cells ?? ['?']))
        expect(rows(split.map(({ cells }) => cells))).toEqual(rows(expected.records))
      }),
      { numRuns: 600 },
    )
  })

  test('gives the records of csv-parse up to the first that is odd, and loses no line', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async ({ text, delimiter }) => {
        const split = await ours(text, delimiter)
        let next = 1
        for (const { line, lines } of split) {
          expect(line).toBe(next)
          next += lines
        }
        const breaks = text.match(/\r\n|\r|\n/g)?.length ?? 0
        expect(next).toBe(breaks + (/[\r\n]$/.test(text) || text === '' ? 1 : 2))

        const { records } = oracle(text, delimiter)
        const odd = records.findIndex((cells) => !fits(cells) && !isBlankLine(cells))
        const same = (odd < 0 ? records : records.slice(0, odd)).filter(
          (cells) => !isBlankRecord(cells),
        )
        const rows = split.filter(({ cells }) => cells === null || !isBlankRecord(cells))
        expect(rows.slice(0, same.length).map(({ cells }) => cells)).toEqual(same)
      }),
      runs,
    )
  })

  test('reads the same whether it comes whole or in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(mutated, fc.integer({ min: 1, max: 9 }), async (given, most) => {
        const { text, delimiter } = given
        expect(await ours(text, delimiter, most)).toEqual(await ours(text, delimiter))
      }),
      { numRuns: 600 },
    )
  })
})

describe('faultReader()', () => {
  test.each([
    ['a,b"c,d', 9003, 'c1', /a quote stands inside a value of c1 that is not in quotes/],
    ['a,"b"c,d', 9003, 'c1', /text follows the quote that closes a value of c1/],
    ['a,b,"c', 9106, 'c2', /A quote is opened in line 7 and not closed/],
  ])('says of %s what is wrong and where', async (record, code, field, sentence) => {
    const reasonOf = faultReader(await sourceOf(record, ',', 100))
    const fault = splitQuoted(record, ',')
    if (Array.isArray(fault)) throw new Error('there is nothing wrong')
    expect(reasonOf(record, fault, 7)).toEqual({
      code,
      field,
      sentence: expect.stringMatching(sentence),
    })
  })
})

describe('100,000 stray quotes', () => {
  const stray = 'a,"b,c\n'
  const plain = 'a,b,c\n'
  const whole = '"a","b","c"\n'
  const lines = 100_000

  /** Bytes that are read of a file, and that are looked at for line ends and quotes. */
  async function work(text: string): Promise<{ read: number; looked: number; records: number }> {
    const bytes = Buffer.from(text)
    const source = await sourceOf('', ',', 1)
    let [read, looked, records] = [0, 0, 0]
    const file: FileReader = {
      size: bytes.length,
      async read(position, length) {
        const piece = bytes.subarray(position, position + length)
        read += piece.length
        return piece
      },
      close: async () => undefined,
    }
    const sieve = createSieve({ lastUserId: 0, seed: 1 })
    // By hand, because a spy keeps each of its millions of calls.
    const { indexOf } = Buffer.prototype
    Buffer.prototype.indexOf = function (this: Buffer, value: unknown, from: unknown) {
      const found = indexOf.call(this, Number(value), Number(from))
      looked += (found < 0 ? this.length : found + 1) - Number(from)
      return found
    }
    try {
      await walk({
        source: { ...source, file },
        sieve,
        position: 0,
        line: 1,
        visit({ record }) {
          const { fault } = readRecord(record, { ...source, file })
          if (fault !== null) looked += record.end - record.start
          records += 1
        },
      })
    } finally {
      Buffer.prototype.indexOf = indexOf
    }
    return { read: read / bytes.length, looked: looked / bytes.length, records }
  }

  test.each([
    ['in every row', stray.repeat(lines), lines],
    ['in every row of a file with CR', stray.replace('\n', '\r').repeat(lines), lines],
    ['in every other row', (stray + plain).repeat(lines), 2 * lines],
    ['between rows in quotes', (stray + whole).repeat(lines), 2 * lines],
    ['far from each other', (stray + plain.repeat(200)).repeat(lines / 100), 201 * (lines / 100)],
    ['and rows in quotes up to the next', (stray + whole.repeat(200)).repeat(500), 201 * 500],
  ])(
    '%s: each byte is read once and looked at a few times',
    async (_, text, count) => {
      const { read, looked, records } = await work(text)
      expect(records).toBe(count)
      expect(read).toBe(1)
      expect(looked).toBeLessThan(8)
    },
    60_000,
  )
})
