import { z } from 'zod'
import { tokenScopes } from '../src/domain/account.ts'
import type { Token } from '../src/domain/account.ts'
import { timeJson } from './run-json.ts'

const time = z.iso.datetime().nullable()

const tokenMembers = {
  id: z.string(),
  tenantId: z.string().nullable(),
  scope: z.enum(tokenScopes),
  name: z.string(),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.meta({ description: 'To the minute' }),
  revokedAt: time,
}

/** A token as the HTTP interface shows it. */
export const tokenSchema = z.strictObject(tokenMembers).meta({ id: 'Token' })
/** The same with the token itself. */
export const newTokenSchema = z
  .strictObject({ ...tokenMembers, token: z.string().meta({ description: 'Shown once' }) })
  .meta({ id: 'NewToken' })

/** A token as the HTTP interface shows it: without its hash. */
export function tokenJson(token: Token): z.infer<typeof tokenSchema> {
  return {
    id: token.id,
    tenantId: token.tenantId,
    scope: token.scope,
    name: token.name,
    createdAt: timeJson(token.createdAt),
    expiresAt: timeJson(token.expiresAt),
    lastUsedAt: timeJson(token.lastUsedAt),
    revokedAt: timeJson(token.revokedAt),
  }
}
