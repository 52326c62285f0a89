import type { Context } from 'hono'
import { AppError } from '../../src/domain/error.ts'

/** Host and port that the browser asked for. */
export function hostOf(context: Context): string {
  return context.req.header('host') ?? new URL(context.req.url).host
}

/** True when the browser talks to this machine itself, where there is no TLS. */
export function isLoopbackHost(context: Context): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(hostOf(context))
}

/**
 * Throws `forbidden` for a write that no page of ours has sent.
 *
 * Browsers name the page's origin in every POST. The scheme is not compared: behind a TLS proxy we are asked by
 * plain HTTP; SameSite=Lax keeps the cookie from pages of another scheme.
 */
export function requireSameOrigin(context: Context): void {
  const origin = context.req.header('origin')
  const site = context.req.header('sec-fetch-site')
  const named = origin === undefined ? site === 'same-origin' : sameHost(origin, hostOf(context))
  if (named && (site === undefined || site === 'same-origin')) return
  throw new AppError(
    'forbidden',
    'Cannot do this: the request comes from another site, open the console itself and do it there',
  )
}

function sameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
