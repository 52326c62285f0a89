import { z } from 'zod'
import type { Token, TokenScope } from '../src/domain/account.ts'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import { newId } from '../src/domain/id.ts'
import type { AuditStore, TokenStore } from '../src/domain/state.ts'
import { audited } from './audit-trail.ts'
import { newToken } from './auth.ts'
import type { Caller } from './auth.ts'
import { nameOf } from './settings-schema.ts'

/** A token of a client to make. */
export const tokenBody = z
  .strictObject({
    name: nameOf(100).meta({ description: 'For the audit: what uses the token' }),
    scope: z.enum(['tenant', 'monitor']).default('tenant').meta({
      description: '`tenant`: all of one client; `monitor`: its imports, read only',
    }),
    expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
  })
  .meta({ id: 'TokenBody' })

/** A token of an operator to make. */
export const operatorTokenBody = tokenBody.omit({ scope: true }).meta({ id: 'OperatorTokenBody' })

/** What can be done with the tokens of a client, or (null) of the operators, for API and console alike; each change is kept in the audit. */
export function tokenOperations(options: {
  tokens: TokenStore
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}) {
  const { tokens, clock } = options
  const record = audited(options)

  return {
    list: (tenantId: string | null): Promise<Token[]> => tokens.list(tenantId),
    /** The stored token, and the token itself, which nobody can show again. */
    async add(
      caller: Caller,
      tenantId: string | null,
      body: { name: string; scope: TokenScope; expiresAt: string | null },
    ): Promise<{ stored: Token; token: string }> {
      const { token, hash } = await newToken(clock)
      const stored: Token = {
        id: newId('token', clock),
        tenantId,
        scope: body.scope,
        name: body.name,
        hash,
        createdAt: clock.now(),
        expiresAt: body.expiresAt === null ? null : Date.parse(body.expiresAt),
        lastUsedAt: null,
        revokedAt: null,
      }
      await tokens.create(stored)
      record(caller, {
        event: 'SETTINGS',
        tenantId,
        path: `token ${stored.name}`,
        detail: 'added',
      })
      return { stored, token }
    },
    /** The token lets nobody in any more; repeatable. Throws `not_found`. */
    async revoke(caller: Caller, tenantId: string | null, id: string): Promise<void> {
      const found = (await tokens.list(tenantId)).find((token) => token.id === id)
      if (found === undefined) {
        throw new AppError(
          'not_found',
          `Cannot find the token "${id.slice(0, 60)}": there is none of this id`,
        )
      }
      if (found.revokedAt !== null) return
      await tokens.update({ ...found, revokedAt: clock.now() })
      record(caller, {
        event: 'SETTINGS',
        tenantId,
        path: `token ${found.name}`,
        detail: 'revoked',
      })
    },
  }
}

export type TokenOperations = ReturnType<typeof tokenOperations>
