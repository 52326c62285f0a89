import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { openDesk, DropOptions, Dropped } from './desk.ts'

export type Desk = ReturnType<typeof openDesk>

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
/** The lines of a file, most of them with cells that others have too. */
export const file = fc
  .array(record, { maxLength: 8 })
  .map((records) => [columns.join(','), ...records])

/** Times may differ: everything else of the users. */
export async function usersOf(desk: Desk) {
  const users = await desk.users()
  return users
    .map(({ fields, active }) => ({ ...fields, active }))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
}

/** Failures but conflicts: one by two keys is told of by the key that is met first, and that may be either. */
const toldOf = ({ failures }: Dropped) =>
  failures.map((row) => ({ ...row, reasons: row.reasons.filter(({ code }) => code !== 9110) }))

/** What two ways to the same end must agree on. */
export const summary = ({ outcome, state, failures }: Dropped) => ({
  outcome,
  counts: state.counts,
  failures: failures.map(({ line, reasons }) => ({
    line,
    codes: [...new Set(reasons.map(({ code }) => code))].toSorted((a, b) => a - b),
  })),
})

/** Imports generated files, passing over what is known, and beside it reading every row: the same must come of it. */
export async function passesOver(
  open: () => Promise<Desk>,
  drop: (desk: Desk, content: string, options: DropOptions) => Promise<Dropped>,
  numRuns: number,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lines: file, full: fc.boolean() }), { minLength: 2, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 3 }),
      async (files, kept) => {
        const passing = await open()
        const reading = await open()
        try {
          let last: string[] = []
          for (const { lines, full } of files) {
            // Most of a nightly file is the one of the night before.
            const all = [...lines, ...kept.flatMap((at) => last[1 + (at % last.length)] ?? [])]
            last = lines
            const content = `${all.join('\n')}\n`
            const options: DropOptions = { force: true, mode: full ? 'full' : 'delta' }
            reading.tenant.settingsVersion += 1
            const one = await drop(passing, content, options)
            const other = await drop(reading, content, options)
            expect(summary(one)).toEqual(summary(other))
            expect(toldOf(one)).toEqual(toldOf(other))
            expect(await usersOf(passing)).toEqual(await usersOf(reading))
          }
        } finally {
          await passing.close()
          await reading.close()
        }
      },
    ),
    { numRuns },
  )
}
