import { z } from 'zod'
import { storedFields } from '../src/domain/user.ts'
import type { StoredField } from '../src/domain/user.ts'
import type { NumberedUser, UserChange } from '../src/domain/user-reader.ts'
import { timeJson } from './run-json.ts'

type FieldMembers = { [K in StoredField]: z.ZodNullable<z.ZodString> }

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one entry for each stored field
const members = Object.fromEntries(
  storedFields.map((field) => [field, z.string().nullable()]),
) as FieldMembers

/** A user as the HTTP interface shows it: the fields by the names of the format. */
export const userSchema = z
  .strictObject({
    ...members,
    status: z.enum(['active', 'inactive', 'removed']).meta({
      description: '`removed`: the import that made the user was reverted; only with changedSince',
    }),
    hasPassword: z.boolean(),
    createdAt: z.iso.datetime().nullable(),
    changedAt: z.iso.datetime(),
  })
  .meta({ id: 'User' })

export type UserJson = z.infer<typeof userSchema>

const noFields = z
  .object(members)
  .parse(Object.fromEntries(storedFields.map((field) => [field, null])))

/** A stored user; no password, no number of ours. */
export function userJson(user: NumberedUser): UserJson {
  return {
    ...user.fields,
    status: user.active ? 'active' : 'inactive',
    hasPassword: user.hasPassword,
    createdAt: timeJson(user.createdAt),
    changedAt: timeJson(user.changedAt),
  }
}

/** A user by its last change; one that is gone shows by what it was known. */
export function changeJson(change: UserChange): UserJson {
  if (change.kind === 'stored') return userJson(change.user)
  const { UserUUID, email, username, at } = change
  return {
    ...noFields,
    UserUUID,
    email,
    username,
    status: 'removed',
    hasPassword: false,
    createdAt: null,
    changedAt: timeJson(at),
  }
}
