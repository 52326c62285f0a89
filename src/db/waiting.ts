import type { RowFailure } from '../domain/importer.ts'
import type { CheckedRow } from '../domain/user.ts'

/** A row whose email or username belongs to a user whose own row may still come. */
export interface Waiting {
  row: CheckedRow
  hash: number
  /** What it will be if nobody lets the key go; its reasons come then. */
  failure: RowFailure
  passwordHash: string | null
}

// JSON has no undefined, which means: keep what is stored.
const keepMark = 0
// What a row that an earlier version has stored lacks.
const ofEarlier = { createReasons: [], updateWarnings: [] }

/** As it is stored; the password in clear is not. */
export function waitingText({ row, ...rest }: Waiting): string {
  const values = row.values.map((value) => (value === undefined ? keepMark : value))
  return JSON.stringify({ row: { ...row, values, password: null }, ...rest })
}

/** From what is stored. */
export function waitingOf(waiting: Waiting): Waiting {
  const values = waiting.row.values.map((value: unknown) =>
    typeof value === 'string' || value === null ? value : undefined,
  )
  return { ...waiting, row: { ...ofEarlier, ...waiting.row, values } }
}
