import type { Context } from 'hono'
import type { Log } from '../src/domain/log.ts'
import type { Metrics } from '../src/domain/metrics.ts'
import type { HttpEnv } from './auth.ts'
import type { MaybePromise, Outcome, Reply } from './reply.ts'

/** One route as Hono takes it: with its id, its headers, its line in the log and its place in the figures. */
export type Shell = (route: string, inner: Inner) => Handler

export interface Inner {
  handle: (context: Context<HttpEnv>) => MaybePromise<Outcome>
  /** The answer to what `handle` throws. */
  fail: (error: Error, context: Context<HttpEnv>) => MaybePromise<Response>
}

type Handler = (context: Context<HttpEnv>) => Promise<Response>

// What a caller has made up is no label: each would be kept for good.
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Headers that keep browsers safe, for what no browser shows as a page. A route's own win. */
const forPrograms: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'private, no-cache',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=15552000; includeSubDomains',
}

// Of a page only; what is gone with browsers of ten years ago (X-XSS-Protection and the like) is left out.
const forDocuments: Readonly<Record<string, string>> = {
  ...forPrograms,
  // Forms need their origin told, which no-referrer would take away.
  'referrer-policy': 'same-origin',
  'x-frame-options': 'SAMEORIGIN',
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
}

// The browser has the other headers from before (RFC 9110 section 15.4.5).
const whenKnown: Readonly<Record<string, string>> = { 'cache-control': 'private, no-cache' }

const requestIdHeader = 'x-request-id'

// Of this process; a number behind it is unique and costs nothing.
const processId = crypto.randomUUID().slice(-12)
let requests = 0

/** What a proxy in front has given, so that its log and ours can be laid side by side; else a new one. */
export function requestIdOf(given: string | undefined): string {
  if (given !== undefined && /^[\w=-]{1,255}$/.test(given)) return given
  requests += 1
  return `${processId}-${requests.toString(36).padStart(6, '0')}`
}

// A reply that is given again and again has its headers joined once.
const joined = new WeakMap<Reply['headers'], Readonly<Record<string, string>>>()

/** The one place where headers are put to an answer. */
function dressed(answer: Outcome, requestId: string): Response {
  if (answer instanceof Response) {
    const { headers } = answer
    headers.set(requestIdHeader, requestId)
    for (const [name, value] of Object.entries(forDocuments)) {
      if (!headers.has(name)) headers.set(name, value)
    }
    return answer
  }
  const { status, body, headers } = plain(answer, requestId)
  return new Response(body, { status, headers })
}

/** A reply with all its headers, as a plain record: a Headers object costs more than all else of a short answer. */
export function plain({ status, body, headers }: Reply, requestId: string): Reply {
  let all = joined.get(headers)
  if (all === undefined) {
    all = { ...(status === 304 ? whenKnown : forPrograms), ...headers }
    joined.set(headers, all)
  }
  return { status, body, headers: { ...all, 'x-request-id': requestId } }
}

/** One request that was answered. */
interface Answered {
  method: string
  /** The pattern of the route, never what a caller wrote. */
  route: string
  status: number
  /** `performance.now()` when it came in. */
  start: number
  requestId: string
  tenant: string | null
  runId?: string | undefined
}

export type Observe = (answered: Answered) => void

/** Counts and logs requests. */
export function createObserve({ log, metrics }: { log: Log; metrics: Metrics }): Observe {
  return ({ method: given, route, status, start, requestId, tenant, runId }) => {
    const seconds = (performance.now() - start) / 1000
    const method = methods.has(given) ? given : 'other'
    metrics.request({ method, route, status, seconds })
    // What reads is asked for many times a second; what changes something is worth a line.
    const write = method !== 'GET' && method !== 'HEAD'
    if (!write && log.debugs === false) return
    log[write ? 'info' : 'debug']('request', {
      request_id: requestId,
      method,
      route,
      status,
      ms: Math.round(seconds * 1000),
      tenant: tenant ?? undefined,
      run_id: runId?.slice(0, 50),
    })
  }
}

/** Makes the shell of every route. */
export function createShell(observe: Observe): Shell {
  return (route, { handle, fail }) =>
    async (context) => {
      const start = performance.now()
      const requestId = requestIdOf(context.req.header(requestIdHeader))
      context.set('requestId', requestId)
      context.set('route', route)
      let outcome: Outcome
      try {
        outcome = await handle(context)
      } catch (error) {
        outcome = await fail(error instanceof Error ? error : new Error(String(error)), context)
      }
      const { method } = context.req
      const tenant = context.get('tenant') ?? null
      const runId = route.startsWith('/imports/:id') ? context.req.param('id') : undefined
      observe({ method, route, status: outcome.status, start, requestId, tenant, runId })
      return dressed(outcome, requestId)
    }
}
