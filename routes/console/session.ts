import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { Session } from '../../src/domain/account.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { AppError } from '../../src/domain/error.ts'
import type { SessionStore, TokenStore } from '../../src/domain/state.ts'
import { newToken, tokenHash } from '../auth.ts'
import type { Caller, HttpEnv } from '../auth.ts'
import { isLoopbackHost } from './origin.ts'

/** A working day, and then it ends by itself. */
export const sessionSeconds = 12 * 60 * 60

export interface SessionOptions {
  sessions: SessionStore
  tokens: Pick<TokenStore, 'findByHash' | 'touch'>
  clock: Clock
}

/** What someone proves by a token or a link, and what the session is made from. */
type Proof = Pick<Session, 'scope' | 'tenantId' | 'tokenHash' | 'name'>

// Safari keeps no Secure cookie from plain HTTP on loopback, and the prefix demands Secure.
function cookieName(context: Context): string {
  return isLoopbackHost(context) ? 'rosterdrop' : '__Host-rosterdrop'
}

/** Sign-in, sign-out and who is signed in. */
export function createSessions({ sessions, tokens, clock }: SessionOptions) {
  async function validToken(hash: string): Promise<boolean> {
    const token = await tokens.findByHash(hash)
    return (
      token !== undefined &&
      token.revokedAt === null &&
      (token.expiresAt === null || token.expiresAt > clock.now())
    )
  }

  async function begin(context: Context<HttpEnv>, proof: Proof): Promise<Caller> {
    const { token, hash } = await newToken(clock)
    const createdAt = clock.now()
    const expiresAt = createdAt + sessionSeconds * 1000
    await sessions.create({ ...proof, hash, kind: 'session', createdAt, expiresAt })
    setCookie(context, cookieName(context), token, {
      path: '/',
      httpOnly: true,
      secure: !isLoopbackHost(context),
      sameSite: 'Lax',
      maxAge: sessionSeconds,
    })
    return callerOf(context, proof)
  }

  return {
    /** Undefined when nobody is signed in, or when the token behind the session has ended. */
    async caller(context: Context<HttpEnv>): Promise<Caller | undefined> {
      const cookie = getCookie(context, cookieName(context))
      if (cookie === undefined) return undefined
      const session = await sessions.get(await tokenHash(cookie))
      if (session?.kind !== 'session' || session.expiresAt <= clock.now()) return undefined
      if (session.tokenHash !== null && !(await validToken(session.tokenHash))) return undefined
      return callerOf(context, session)
    },
    /** Throws `unauthenticated` for a token that is none of ours, or no longer. */
    async signIn(context: Context<HttpEnv>, given: string): Promise<Caller> {
      const hash = await tokenHash(given)
      const token = await tokens.findByHash(hash)
      if (token === undefined || !(await validToken(hash))) {
        throw new AppError(
          'unauthenticated',
          'Cannot sign in: the token is unknown, expired or revoked, a valid one is needed',
        )
      }
      await tokens.touch(token.id, clock.now())
      const { scope, tenantId, name } = token
      return begin(context, { scope, tenantId, name, tokenHash: hash })
    },
    /** Uses a one-time link up. Throws `not_found` when it was used, has expired or never was. */
    async useLink(context: Context<HttpEnv>, secret: string): Promise<Caller> {
      const hash = await tokenHash(secret)
      const known = await sessions.get(hash)
      const link = known?.kind === 'link' ? await sessions.take(hash) : undefined
      if (link === undefined || link.expiresAt <= clock.now()) {
        throw new AppError(
          'not_found',
          'Cannot sign in: the link was used or has expired, a new one is needed',
        )
      }
      return begin(context, link)
    },
    async signOut(context: Context<HttpEnv>): Promise<void> {
      const cookie = getCookie(context, cookieName(context))
      if (cookie !== undefined) await sessions.take(await tokenHash(cookie))
      deleteCookie(context, cookieName(context), { path: '/', secure: !isLoopbackHost(context) })
    },
  }
}

function callerOf(context: Context<HttpEnv>, proof: Proof): Caller {
  const { scope, tenantId, name } = proof
  return { scope, tenantId, name, address: context.env?.address ?? null }
}

/** How long a one-time link waits to be used. */
const linkSeconds = 24 * 60 * 60

/** Makes a one-time link; returns its path in the console, which is shown once. */
export async function makeLink(
  { sessions, clock }: { sessions: Pick<SessionStore, 'create'>; clock: Clock },
  { scope, tenantId, name }: Pick<Session, 'scope' | 'tenantId' | 'name'>,
): Promise<string> {
  const { token, hash } = await newToken(clock)
  const createdAt = clock.now()
  const expiresAt = createdAt + linkSeconds * 1000
  await sessions.create({
    hash,
    kind: 'link',
    scope,
    tenantId,
    tokenHash: null,
    name,
    createdAt,
    expiresAt,
  })
  return `/console/link/${token}`
}
