import type { MiddlewareHandler } from 'hono'
import type { Token, TokenScope } from '../src/domain/account.ts'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import type { TokenStore } from '../src/domain/state.ts'

/** What every route behind `authenticate` finds in its context. */
export interface Signed {
  Variables: { token: Token; requestId: string }
}

/** Route × scope: who may call what; another client's ids answer 404 besides (spec/http-api.md). */
export const authorisation = {
  'GET /imports': ['operator', 'tenant', 'monitor'],
  'POST /imports': ['tenant'],
  'GET /imports/:id': ['operator', 'tenant', 'monitor'],
  'GET /imports/:id/failures': ['operator', 'tenant'],
  'GET /imports/:id/failures.csv': ['operator', 'tenant'],
  'POST /imports/:id/cancel': ['operator', 'tenant'],
} as const satisfies Record<string, readonly TokenScope[]>

export type AuthorisedRoute = keyof typeof authorisation

// The time of a token's last use is kept no finer than this: a poller costs no write each time.
const lastUseMs = 60_000

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Lets a request through that has a bearer token of a scope that `route` allows. */
export function authorise(
  { tokens, clock }: { tokens: TokenStore; clock: Clock },
  route: AuthorisedRoute,
): MiddlewareHandler<Signed> {
  const scopes: readonly TokenScope[] = authorisation[route]
  return async function authorised(context, next) {
    const given = /^Bearer (rd_[\w-]{1,100})$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (given === undefined) {
      throw new AppError(
        'unauthenticated',
        'Cannot answer without a token: send "Authorization: Bearer rd_…", as "rosterdrop token create" makes it',
      )
    }
    const token = await tokens.findByHash(await sha256(given))
    const now = clock.now()
    if (
      token === undefined ||
      token.revokedAt !== null ||
      (token.expiresAt !== null && token.expiresAt <= now)
    ) {
      throw new AppError(
        'unauthenticated',
        'Cannot answer: the token is unknown, expired or revoked, a valid one is needed',
      )
    }
    if (!scopes.includes(token.scope)) {
      throw new AppError(
        'forbidden',
        `Cannot answer: the token has the scope ${token.scope}, one of ${scopes.join(', ')} is needed`,
      )
    }
    if (now - (token.lastUsedAt ?? 0) > lastUseMs)
      await tokens.update({ ...token, lastUsedAt: now })
    context.set('token', token)
    await next()
  }
}
