import { storedFields } from '../domain/user.ts'
import type { NumberedUser } from '../domain/user-reader.ts'
import { number, optionalText } from './row.ts'
import type { Row } from './row.ts'

/** One entry for each stored field. */
export function fieldsOf(read: (field: string) => string | null): NumberedUser['fields'] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry for each stored field
  return Object.fromEntries(
    storedFields.map((field) => [field, read(field)]),
  ) as NumberedUser['fields']
}

/** A user from its row. */
export function userOf(row: Row): NumberedUser {
  return {
    id: number(row, 'id'),
    fields: fieldsOf((field) => optionalText(row, field)),
    active: number(row, 'active') === 1,
    hasPassword: row['password_hash'] !== null,
    createdAt: number(row, 'created_at'),
    changedAt: number(row, 'changed_at'),
  }
}
