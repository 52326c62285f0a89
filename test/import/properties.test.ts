import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RunCounts } from '../../src/domain/run.ts'
import type { ImportProgress } from '../../src/import/job.ts'
import { openDesk } from './desk.ts'
import type { DropOptions, Dropped } from './desk.ts'
import { file, passesOver, summary, usersOf } from './passed-over.ts'
import type { Desk } from './passed-over.ts'

const top = mkdtempSync(join(tmpdir(), 'rosterdrop-properties-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

// A clock on which a quarter of a second passes between two looks: every look at the progress shows it.
let elapsed = 0
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => (elapsed += 250))
})
afterEach(() => vi.restoreAllMocks())
let progressSeen = 0
afterAll(() => expect(progressSeen).toBeGreaterThan(500))

/** `rows = created + updated + unchanged + skipped + failed`, and none below zero. */
function expectSum(counts: RunCounts): void {
  const { rows, created, updated, unchanged, skipped, failed } = counts
  expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(0)
  expect(rows).toBe(created + updated + unchanged + skipped + failed)
}

async function dropped(
  desk: Desk,
  content: string | Uint8Array,
  options: DropOptions = {},
): Promise<Dropped> {
  const seen: ImportProgress[] = []
  const result = await desk.drop(content, {
    ...options,
    onProgress: (progress) => seen.push(progress),
  })
  for (const { counts } of seen) expectSum(counts)
  progressSeen += seen.length
  const { counts, reasons } = result.state
  expectSum(counts)
  if (result.outcome === undefined) return result
  expect(result.failures).toHaveLength(counts.failed)
  for (const { code, count } of reasons) {
    const having = result.failures.filter((row) => row.reasons.some((one) => one.code === code))
    expect(having).toHaveLength(count)
  }
  return result
}

const interruptionsDone = { stop: 0, kill: 0 }

/** Goes on with one run until it has an outcome: each time it is stopped, or killed, after so many looks at what is asked. */
async function interrupted(
  desk: Desk,
  content: string,
  options: DropOptions,
  id: string,
  interruptions: { after: number; kill: boolean }[],
): Promise<Dropped> {
  for (;;) {
    const { after, kill } = interruptions.shift() ?? { after: Infinity, kill: false }
    let looks = 0
    try {
      const result = await dropped(desk, content, {
        ...options,
        id,
        wish() {
          looks += 1
          if (looks <= after) return 'no'
          // What is thrown here takes the run with it, as a kill does; what was not committed is rolled back.
          if (kill) throw new Error('killed')
          return 'stop'
        },
      })
      if (result.outcome !== undefined) return result
      interruptionsDone.stop += 1
    } catch (error) {
      if (!kill || !(error instanceof Error) || error.message !== 'killed') throw error
      interruptionsDone.kill += 1
    }
    await desk.reopen()
  }
}

describe('executeRun()', () => {
  test('counts every row once, and a dry run foretells the import', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lines: file, full: fc.boolean() }), { minLength: 1, maxLength: 4 }),
        async (files) => {
          const desk = openDesk({ settings: { guard: { floor: 2, share: 0, cap: 200 } } })
          try {
            for (const { lines, full } of files) {
              const content = `${lines.join('\n')}\n`
              const options: DropOptions = { force: true, mode: full ? 'full' : 'delta' }
              const before = await usersOf(desk)
              const dry = await dropped(desk, content, { ...options, dryRun: true })
              expect(await usersOf(desk)).toEqual(before)
              const real = await dropped(desk, content, options)
              expect(summary(dry)).toEqual(summary(real))
              if (real.outcome === 'held') expect(await usersOf(desk)).toEqual(before)
            }
          } finally {
            await desk.close()
          }
        },
      ),
      { numRuns: 50 },
    )
  }, 120_000)

  test('gives the same whether known records are passed over or every row is read', async () => {
    await passesOver(async () => openDesk(), dropped, 60)
  }, 120_000)

  test('ends with the same users, counts and failures wherever it is stopped or killed', async () => {
    let made = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lines: file, full: fc.boolean() }), { minLength: 2, maxLength: 3 }),
        fc.array(fc.record({ after: fc.nat({ max: 12 }), kill: fc.boolean() }), { maxLength: 6 }),
        async (files, interruptions) => {
          const whole = openDesk()
          made += 1
          const broken = openDesk({ file: join(top, `${made}.db`), pieceBytes: 40 })
          try {
            for (const [index, { lines, full }] of files.entries()) {
              const content = `${lines.join('\n')}\n`
              const options: DropOptions = { force: true, mode: full ? 'full' : 'delta' }
              const expected = await dropped(whole, content, options)
              const seen = await interrupted(broken, content, options, `run_${index}`, [
                ...interruptions,
              ])
              expect(summary(seen)).toEqual(summary(expected))
              expect(await usersOf(broken)).toEqual(await usersOf(whole))
            }
          } finally {
            await whole.close()
            await broken.close()
          }
        },
      ),
      { numRuns: 40 },
    )
    expect(interruptionsDone.stop).toBeGreaterThan(20)
    expect(interruptionsDone.kill).toBeGreaterThan(20)
  }, 120_000)

  test('ends with an outcome and right sums for any bytes', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc
        .tuple(
          fc.constantFrom('', '\ufeff', 'sep=;\n'),
          fc.constantFrom('email,city\n', 'UserUUID;email\r', '"email"\t"city"\r\n'),
          fc.uint8Array({ maxLength: 300 }),
        )
        .map(([start, header, rest]) => Buffer.concat([Buffer.from(start + header), rest])),
      fc
        .string({ unit: 'binary', maxLength: 200 })
        .map((text) => Buffer.from(`email,city\n${text}`, 'utf16le')),
    )
    const desk = openDesk()
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const { outcome } = await dropped(desk, content, { force: true })
        expect(['completed', 'completed_with_failures', 'failed']).toContain(outcome)
      }),
      { numRuns: 80 },
    )
    await desk.close()
  })

  test('writes a report whose report is the same, and that imports whole once its rows are corrected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(nasty, { minLength: 1, maxLength: 10 }),
        fc.constantFrom(',', ';', '\t', '|', '^'),
        async (records, delimiter) => {
          const desk = openDesk()
          try {
            await desk.drop('UserUUID,email\ntaken,taken@x.ca\n')
            const text = [reportColumns, ...records].map((cells) => cells.join(delimiter))
            const sep = delimiter === '^' ? 'sep=^\n' : ''
            const first = await dropped(desk, `${sep}${text.join('\n')}\n`)
            fc.pre(first.failures.length > 0)
            const report = await desk.report(first)
            const users = await usersOf(desk)

            const second = await dropped(desk, report)
            expect(rowsOf(second)).toEqual(rowsOf(first))
            expect(second.state.counts.rows).toBe(first.state.counts.failed)
            expect(second.state.file?.delimiter).toBe(delimiter)
            expect(await usersOf(desk)).toEqual(users)
            // A row that a report lacks its original for is told of in other words once, and from then on in the same.
            const third = await dropped(desk, await desk.report(second))
            expect(rowsOf(third)).toEqual(rowsOf(first))
            expect((await desk.report(third)).toString()).toBe(
              (await desk.report(second)).toString(),
            )

            const fixed = await dropped(desk, corrected(report, delimiter))
            expect(fixed.failures).toEqual([])
            expect(fixed.state.counts).toMatchObject({ rows: first.failures.length, failed: 0 })
          } finally {
            await desk.close()
          }
        },
      ),
      { numRuns: 100 },
    )
  }, 120_000)
})

const reportColumns = ['UserUUID', 'email', 'city', '=Note', 'street']
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
/** Cells as a report has to bring them back: formulas, quotes, delimiters, line breaks, white space. */
const odd = fc
  .array(
    fc.constantFrom(
      '=',
      '+',
      "'",
      '@',
      '-',
      '"',
      ',',
      ';',
      '^',
      '|',
      '\t',
      ' ',
      '\n',
      'é',
      '\u{1f600}',
      'x',
    ),
    { maxLength: 5 },
  )
  .map((parts) => quoted(parts.join('')))
const nasty = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom('', 'u1', 'u2', 'u3', '1.2E+15', "'=u4"),
      fc.constantFrom('', 'nobody', 'taken@x.ca', 'a@x.ca', 'A@x.ca', 'b@x.ca'),
      fc.oneof(fc.constantFrom('Hull', quoted('Ot\ntawa'), 'x'.repeat(51)), odd),
      odd,
      odd,
    ),
  },
  // Records that cannot be split, or not into these columns.
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ['u5'],
      ['u6', '"open'],
      ['u7', 'a"b', '', '', ''],
      Array(9).fill('z'),
    ),
  },
)

const rowsOf = ({ failures }: Dropped) =>
  failures.map(({ cells, raw, reasons }) => ({
    cells,
    raw,
    codes: [...new Set(reasons.map(({ code }) => code))].toSorted((a, b) => a - b),
  }))

/** The report with good values in the cells of every row; the notes and formulas stay as they are. */
function corrected(report: Buffer, delimiter: string): string {
  const [head = [], ...rows]: string[][] = parse(report, {
    bom: true,
    delimiter,
    from_line: delimiter === '^' ? 2 : 1,
  })
  const put: Record<string, (n: number) => string> = {
    UserUUID: (n) => `new-${n}`,
    email: (n) => `new-${n}@x.ca`,
    city: () => 'Hull',
  }
  const lines = rows.map((cells, n) =>
    cells.map((cell, at) => put[head[at] ?? '']?.(n) ?? cell).map(quoted),
  )
  const all = [head.map(quoted), ...lines].map((cells) => cells.join(delimiter))
  return `${delimiter === '^' ? 'sep=^\r\n' : ''}${all.join('\r\n')}\r\n`
}
