import type { RowReason } from '../domain/importer.ts'
import { rowReason, shown } from '../domain/reason.ts'

/** Why a row cannot have its email (9019) or username (9020): the owner is a user with the UUID, or without one. */
export function takenReason(
  code: 9019 | 9020,
  header: string | undefined,
  value: string | null | undefined,
  ownerUuid: unknown,
): RowReason {
  const field = header ?? (code === 9019 ? 'email' : 'username')
  return rowReason(code, field, {
    field: shown(field),
    value: value ?? '',
    owner:
      typeof ownerUuid === 'string'
        ? `the user with the UserUUID "${shown(ownerUuid)}"`
        : 'another user',
  })
}

/** Why a row without UUID has no user: several have its email. */
export function severalReason(
  header: string | undefined,
  value: string | null | undefined,
): RowReason {
  const field = header ?? 'email'
  return rowReason(9116, field, { field: shown(field), value: value ?? '' })
}

/** The comparison key once a cell is stored: given, cleared or kept. */
export function keyAfter<T>(
  value: string | null | undefined,
  key: string | null,
  stored: T,
): T | string | null {
  if (value === undefined) return stored
  return value === null ? null : key
}
