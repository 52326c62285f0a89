import type { Context } from 'hono'
import type { Token, TokenScope } from '../src/domain/account.ts'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import type { TokenStore } from '../src/domain/state.ts'
import type { Attempts } from './attempts.ts'

/** Who a route is for: scopes of tokens, or callers without one; `loopback`: this machine itself. */
export type Who = TokenScope | 'anyone' | 'loopback'

/** Route × scope: who may call what; another client's ids answer 404 besides (spec/http-api.md). */
export const authorisation = {
  'GET /livez': ['anyone'],
  'GET /readyz': ['anyone'],
  'GET /metrics': ['operator', 'loopback'],
  'POST /imports': ['operator', 'tenant'],
  'GET /imports': ['operator', 'tenant', 'monitor'],
  'GET /imports/:id': ['operator', 'tenant', 'monitor'],
  'GET /imports/:id/events': ['operator', 'tenant', 'monitor'],
  'GET /imports/:id/failures': ['operator', 'tenant'],
  'GET /imports/:id/failures.csv': ['operator', 'tenant'],
  'GET /imports/:id/source.csv': ['operator', 'tenant'],
  'POST /imports/:id/approve': ['operator', 'tenant'],
  'POST /imports/:id/reject': ['operator', 'tenant'],
  'POST /imports/:id/cancel': ['operator', 'tenant'],
  'POST /imports/:id/retry': ['operator', 'tenant'],
  'POST /imports/:id/revert': ['operator', 'tenant'],
  'GET /users': ['operator', 'tenant'],
  'GET /users.csv': ['operator', 'tenant'],
  'GET /users/:uuid': ['operator', 'tenant'],
  'GET /format': ['anyone'],
  'GET /template.csv': ['anyone'],
  'GET /settings': ['operator', 'tenant'],
  'PATCH /settings': ['operator', 'tenant'],
  'GET /user-types': ['operator', 'tenant'],
  'PUT /user-types': ['operator', 'tenant'],
  'GET /login-sources': ['operator', 'tenant'],
  'PUT /login-sources': ['operator', 'tenant'],
  'GET /accounts': ['operator', 'tenant'],
  'POST /accounts': ['operator', 'tenant'],
  'GET /accounts/:id': ['operator', 'tenant'],
  'PATCH /accounts/:id': ['operator', 'tenant'],
  'DELETE /accounts/:id': ['operator', 'tenant'],
  'GET /webhooks': ['operator', 'tenant'],
  'POST /webhooks': ['operator', 'tenant'],
  'GET /webhooks/:id': ['operator', 'tenant'],
  'PATCH /webhooks/:id': ['operator', 'tenant'],
  'DELETE /webhooks/:id': ['operator', 'tenant'],
  'GET /webhooks/:id/deliveries': ['operator', 'tenant'],
  'POST /webhooks/:id/deliveries/:delivery/resend': ['operator', 'tenant'],
  'GET /tenants': ['operator'],
  'POST /tenants': ['operator'],
  'GET /tenants/:id': ['operator'],
  'PATCH /tenants/:id': ['operator'],
  'GET /tenants/:id/tokens': ['operator'],
  'POST /tenants/:id/tokens': ['operator'],
  'DELETE /tenants/:id/tokens/:token': ['operator'],
  'GET /tokens': ['operator'],
  'POST /tokens': ['operator'],
  'DELETE /tokens/:token': ['operator'],
  'GET /audit': ['operator', 'tenant'],
  'GET /penalties': ['operator'],
  'DELETE /penalties/:source': ['operator'],
  'GET /openapi.json': ['anyone'],
  'GET /docs': ['anyone'],
} as const satisfies Record<string, readonly Who[]>

export type Route = keyof typeof authorisation

/** Who calls, as the handlers know it. */
export interface Caller {
  scope: Who
  /** Null for an operator, and for a caller without a token. */
  tenantId: string | null
  /** Name of the token, for the audit; null without one. */
  name: string | null
  /** Numeric address of the peer; null when the server does not say. */
  address: string | null
  /** Until when its token needs no look by itself, in milliseconds since 1970. */
  goodUntil?: number
}

/** What the server hands over beside the request. */
export interface HttpEnv {
  Bindings: { address?: string }
  Variables: { requestId: string; route: string; tenant: string | null }
}

// The time of a token's last use is kept no finer than this: a poller costs no write each time.
const lastUseMs = 60_000

/** SHA-256 of a token as it is stored: lower-case hex. */
export async function tokenHash(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// Clients and scripts of one server; a flood of made-up tokens only makes us hash again.
const rememberedTokens = 1_000

/** `tokenHash` that remembers, because hashing takes more time than all else of a short answer. */
export function rememberingHash(): (token: string) => Promise<string> {
  const known = new Map<string, string>()
  return async (token) => {
    const before = known.get(token)
    if (before !== undefined) return before
    const hash = await tokenHash(token)
    if (known.size >= rememberedTokens) known.clear()
    known.set(token, hash)
    return hash
  }
}

/** A new token of 32 random bytes and the hash that is stored of it. */
export async function newToken(clock: Clock): Promise<{ token: string; hash: string }> {
  const base64 = btoa(String.fromCharCode(...clock.random(32)))
  const token = `rd_${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
  return { token, hash: await tokenHash(token) }
}

/** What tells whether a token is good. */
export interface Authority {
  tokens: Pick<TokenStore, 'findByHash' | 'touch'>
  clock: Clock
  /** SHA-256 of a token as it is stored. */
  hash: (token: string) => Promise<string>
  attempts: Attempts
}

/**
 * The caller of `route`, when its token or its place lets it in.
 *
 * Throws `unauthenticated` without a good token, `too_many` after many wrong ones, `forbidden` when its scope is not
 * enough.
 */
export async function authorise(
  { tokens, clock, hash, attempts }: Authority,
  route: Route,
  context: Context<HttpEnv>,
): Promise<Caller> {
  const scopes: readonly Who[] = authorisation[route]
  const address = context.env?.address ?? null
  const nobody = { tenantId: null, name: null, address }
  if (scopes.includes('anyone')) return { ...nobody, scope: 'anyone' }
  const header = context.req.header('authorization')
  if (header === undefined && scopes.includes('loopback') && isLoopback(context)) {
    return { ...nobody, scope: 'loopback' }
  }
  const given = /^Bearer (rd_[\w-]{1,100})$/i.exec(header ?? '')?.[1]
  if (given === undefined) {
    throw new AppError(
      'unauthenticated',
      'Cannot answer without a token: send "Authorization: Bearer rd_…", as "rosterdrop token create" makes it',
    )
  }
  const token = await tokens.findByHash(await hash(given))
  const now = clock.now()
  if (token === undefined || !isGood(token, now)) {
    attempts.failed({ address, protocol: 'http', what: 'token' })
    throw new AppError(
      'unauthenticated',
      'Cannot answer: the token is unknown, expired or revoked, a valid one is needed',
    )
  }
  const caller = admitted(token, route, { address, now })
  if (now - (token.lastUsedAt ?? 0) > lastUseMs) {
    await tokens.touch(token.id, now)
  }
  return caller
}

function isGood({ revokedAt, expiresAt }: Token, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now)
}

/** The caller that a good token makes; throws when its scope is not enough. */
function admitted(
  token: Token,
  route: Route,
  { address, now }: { address: string | null; now: number },
): Caller {
  const { scope, tenantId, name } = token
  const scopes: readonly Who[] = authorisation[route]
  if (!scopes.includes(scope)) {
    throw new AppError(
      'forbidden',
      `Cannot answer: the token has the scope ${scope}, one of ${scopes.join(', ')} is needed`,
    )
  }
  const goodUntil = Math.min(token.expiresAt ?? Infinity, (token.lastUsedAt ?? now) + lastUseMs)
  return { scope, tenantId, name, address, goodUntil }
}

const loopbackAddress = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/
const loopbackHost = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i
// What a proxy on this machine adds: behind it everybody comes from loopback.
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'fly-client-ip']

/** True for a program on this machine, not for a proxy, nor for a browser that a page has led here by a name. */
function isLoopback(context: Context<HttpEnv>): boolean {
  const header = (name: string) => context.req.header(name)
  return (
    loopbackAddress.test(context.env?.address ?? '') &&
    loopbackHost.test(header('host') ?? '') &&
    proxyHeaders.every((name) => header(name) === undefined)
  )
}

/**
 * The tenant that a request is about: the caller's own, or for an operator the one that `?tenant=` names.
 *
 * Throws `not_found` for a tenant that is not the caller's, `invalid` when an operator names none.
 */
export function tenantFor(caller: Caller, wanted: string | undefined): string {
  if (caller.scope === 'operator') {
    if (wanted !== undefined) return wanted
    throw new AppError(
      'invalid',
      'Cannot tell which client is meant: an operator has all of them, ?tenant=ten_… is needed',
    )
  }
  if (caller.tenantId === null) throw new Error(`A caller of scope ${caller.scope} has no tenant`)
  if (wanted !== undefined && wanted !== caller.tenantId) throw noTenant(wanted)
  return caller.tenantId
}

/** The refusal of a tenant that is not there, or not the caller's. */
export function noTenant(id: string): AppError {
  return new AppError(
    'not_found',
    `Cannot find the client "${id.slice(0, 60)}": there is none of this id`,
  )
}
