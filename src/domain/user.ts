import { fieldNames } from './format.ts'
import type { FieldName } from './format.ts'
import type { RowReason } from './importer.ts'

/** A field that is stored as text; the password is hashed and the status is `active`. */
export type StoredField = Exclude<FieldName, 'password' | 'status'>

/** The stored fields in the order of the format. */
export const storedFields: readonly StoredField[] = fieldNames.filter(
  (field): field is StoredField => field !== 'password' && field !== 'status',
)

/** A row after its check, ready for the upsert when `reasons` is empty. */
export interface CheckedRow {
  /** First physical line of the record, from 1. */
  line: number
  /** Aligned with `fields` of the row check: text to store, null to clear, undefined to keep what is stored. */
  values: (string | null | undefined)[]
  /** Undefined: keep; new users are active. */
  active: boolean | undefined
  /** In clear, for new users only; null when the row has none. */
  password: string | null
  /** Null when the row has none or its cell is at fault; also kept for rows that failed. */
  uuid: string | null
  /** The email as it is compared; null as for `uuid`. */
  emailKey: string | null
  /** The username as it is compared; null as for `uuid`. */
  usernameKey: string | null
  /** All reasons why the row cannot be imported; empty when it can. */
  reasons: readonly RowReason[]
  /** Why the row cannot create a user; empty mostly. Where it is about one who exists they do not count. */
  createReasons: readonly RowReason[]
  /** What was taken with a remark. */
  warnings: readonly RowReason[]
  /** The same, where the row creates no user. */
  updateWarnings: readonly RowReason[]
}

// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const beyondAscii = /[^\0-\x7f]/

/** How an email or a username is compared: NFC, lower case. */
export function comparisonKey(value: string): string {
  const lower = value.toLowerCase()
  // Lower-casing can undo NFC outside ASCII (İ becomes i and a combining dot).
  return beyondAscii.test(lower) ? lower.normalize('NFC') : lower
}
