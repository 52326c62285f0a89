import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RunCounts } from '../../src/domain/run.ts'
import type { ImportProgress } from '../../src/import/job.ts'
import { openDesk } from './desk.ts'
import type { DropOptions, Dropped } from './desk.ts'

/** `rows = created + updated + unchanged + skipped + failed`, and none below zero. */
function expectSum(counts: RunCounts): void {
  const { rows, created, updated, unchanged, skipped, failed } = counts
  expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(0)
  expect(rows).toBe(created + updated + unchanged + skipped + failed)
}

type Desk = ReturnType<typeof openDesk>

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
  const { counts, reasons } = result.state
  expectSum(counts)
  expect(result.failures).toHaveLength(counts.failed)
  for (const { code, count } of reasons) {
    const having = result.failures.filter((row) => row.reasons.some((one) => one.code === code))
    expect(having).toHaveLength(count)
  }
  return result
}

const columns = ['UserUUID', 'email', 'username', 'firstName', 'status'] as const
const value = {
  UserUUID: fc.constantFrom('', 'u1', 'u2', 'u3', 'u4', ' u1', 'x'.repeat(51)),
  email: fc.constantFrom('', 'a@x.ca', 'b@x.ca', 'c@x.ca', 'd@x.ca', 'A@x.ca', 'not an address'),
  username: fc.constantFrom('', 'n1', 'n2', 'n3', 'N1', '__CLEAR__'),
  firstName: fc.constantFrom('', 'Ada', 'Bob', '"Zoë, \nQ"', '__CLEAR__'),
  status: fc.constantFrom('', '', 'inactive', 'y', 'perhaps'),
}
const record = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record(value).map((cells) => columns.map((column) => cells[column]).join(',')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ',,,,', 'u1,a"b,c,d,', '"open', 'u2', 'a,b,c,d,e,f'),
  },
)
const file = fc.array(record, { maxLength: 8 }).map((records) => [columns.join(','), ...records])

/** Times may differ: everything else of the users. */
async function usersOf(desk: Desk) {
  const users = await desk.users()
  return users
    .map(({ fields, active }) => ({ ...fields, active }))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
}

const summary = ({ outcome, state, failures }: Dropped) => ({
  outcome,
  counts: state.counts,
  failures: failures.map(({ line, reasons }) => ({
    line,
    codes: [...new Set(reasons.map(({ code }) => code))].toSorted((a, b) => a - b),
  })),
})

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
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ lines: file, full: fc.boolean() }), { minLength: 2, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        async (files, kept) => {
          const passing = openDesk()
          const reading = openDesk()
          try {
            let last: string[] = []
            for (const { lines, full } of files) {
              // Most of a nightly file is the one of the night before.
              const all = [...lines, ...kept.flatMap((at) => last[1 + (at % last.length)] ?? [])]
              last = lines
              const content = `${all.join('\n')}\n`
              const options: DropOptions = { force: true, mode: full ? 'full' : 'delta' }
              reading.tenant.settingsVersion += 1
              const one = await dropped(passing, content, options)
              const other = await dropped(reading, content, options)
              expect(summary(one)).toEqual(summary(other))
              expect(await usersOf(passing)).toEqual(await usersOf(reading))
            }
          } finally {
            await passing.close()
            await reading.close()
          }
        },
      ),
      { numRuns: 60 },
    )
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
})
