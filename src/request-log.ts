import type { Context, Next } from 'hono'
import type { HttpEnv } from '../routes/auth.ts'
import type { Log } from './domain/log.ts'
import type { Metrics } from './domain/metrics.ts'

// What a caller has made up is no label: each would be kept for good.
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Counts and logs each request by the pattern of its route, never by what a caller wrote. */
export function requestLog({ log, metrics }: { log: Log; metrics: Metrics }) {
  return async function observe(context: Context<HttpEnv>, next: Next): Promise<void> {
    const start = performance.now()
    await next()
    const seconds = (performance.now() - start) / 1000
    const route = context.get('route') ?? 'none'
    const given = context.req.method
    const method = methods.has(given) ? given : 'other'
    const { status } = context.res
    metrics.request({ method, route, status, seconds })
    const runId = route.startsWith('/imports/:id') ? context.req.param('id') : undefined
    // What reads is asked for many times a second; what changes something is worth a line.
    const write = method !== 'GET' && method !== 'HEAD'
    log[write ? 'info' : 'debug']('request', {
      request_id: context.get('requestId'),
      method,
      route,
      status,
      ms: Math.round(seconds * 1000),
      tenant: context.get('tenant') ?? undefined,
      run_id: runId?.slice(0, 50),
    })
  }
}
