import { Hono } from 'hono'
import type { Context, Next } from 'hono'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import type { HttpEnv } from '../routes/auth.ts'
import { consolePages } from '../routes/console/console.ts'
import type { ConsoleParts } from '../routes/console/console.ts'
import { methodsOf, mount } from '../routes/endpoint.ts'
import { apiEndpoints } from '../routes/endpoints.ts'
import type { ApiOptions } from '../routes/endpoints.ts'
import { createOperations } from '../routes/operations.ts'
import { onError, problem } from '../routes/problem.ts'
import type { Log } from './domain/log.ts'
import { requestLog } from './request-log.ts'

export interface AppOptions extends ApiOptions {
  log: Log
  /** A PHC string of a new password. */
  hashPassword: (password: string) => Promise<string>
  /** Deliveries to webhooks may be due. */
  onWebhook?: () => void
  console: ConsoleParts
}

/** Headers of an answer that no browser shows as a page, unless the route has set its own. */
async function forPrograms(context: Context<HttpEnv>, next: Next): Promise<void> {
  await next()
  const { headers } = context.res
  if (!headers.has('content-security-policy')) {
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  }
  if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache')
}

/** The HTTP interface on web standards alone: `fetch` takes a Request and gives a Response. */
export function createApp(options: AppOptions): Hono<HttpEnv> {
  const { state } = options
  const operations = createOperations(options)
  const endpoints = apiEndpoints(options, operations)

  const app = new Hono<HttpEnv>()
  // Forms need their origin told, which no-referrer would take away.
  app.use(
    requestId(),
    secureHeaders({
      referrerPolicy: 'same-origin',
      // For browsers of ten years ago and plug-ins that are gone; the policy of each answer says who may frame it.
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
    }),
  )
  app.use(requestLog(options))
  app.use((context, next) => forPrograms(context, next))
  app.onError(onError(options.log))
  app.notFound((context) => {
    const { path, method } = context.req
    const shown = path.slice(0, 200)
    const methods = methodsOf(endpoints, path)
    if (methods.length === 0) {
      return problem(context, 'not_found', `Cannot find "${shown}": there is no such route`)
    }
    context.header('allow', methods.join(', '))
    return problem(
      context,
      'method_not_allowed',
      `Cannot ${method.slice(0, 20)} "${shown}": one of ${methods.join(', ')} is needed`,
    )
  })
  app.route('/', consolePages({ ...options, ...options.console, operations }))
  mount(app, endpoints, { tokens: state.tokens, clock: options.clock })
  return app
}
