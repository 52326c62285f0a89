import { Hono } from 'hono'
import type { Context, Next } from 'hono'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { accounts } from '../routes/accounts.ts'
import { audit } from '../routes/audit.ts'
import type { HttpEnv } from '../routes/auth.ts'
import { consolePages } from '../routes/console/console.ts'
import type { ConsoleParts } from '../routes/console/console.ts'
import { methodsOf, mount } from '../routes/endpoint.ts'
import { fileFormat } from '../routes/format.ts'
import { health } from '../routes/health.ts'
import type { HealthCheck } from '../routes/health.ts'
import { imports } from '../routes/imports.ts'
import { createOperations } from '../routes/operations.ts'
import { penalties } from '../routes/penalties.ts'
import { onError, problem } from '../routes/problem.ts'
import { runActions } from '../routes/run-actions.ts'
import { runFiles } from '../routes/run-files.ts'
import { run } from '../routes/run.ts'
import { settings } from '../routes/settings.ts'
import { tenants as tenantRoutes } from '../routes/tenants.ts'
import { users } from '../routes/users.ts'
import type { Clock } from './domain/clock.ts'
import type { Importer } from './domain/importer.ts'
import type { Log } from './domain/log.ts'
import type { PenaltyBook } from './domain/penalty.ts'
import type { StateStore } from './domain/state.ts'
import type { UserReader } from './domain/user-reader.ts'
import type { FileStore } from './domain/storage.ts'

export interface AppOptions {
  state: StateStore
  importer: Importer
  files: FileStore
  clock: Clock
  log: Log
  penalties: PenaltyBook
  /** The directory of a tenant, for reading; undefined while it has none. */
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
  /** A PHC string of a new password. */
  hashPassword: (password: string) => Promise<string>
  /** What `GET /readyz` asks. */
  checks: readonly HealthCheck[]
  console: ConsoleParts
  /** Bytes of a file by HTTP; default: 1 GiB, as for every door. */
  maxBytes?: number
  /** True once the service stops; default: never. */
  isStopping?: () => boolean
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
  const { runs, tenants, idempotency: keys } = state
  const operations = createOperations(options)
  const endpoints = [
    ...health(options),
    ...imports({ ...options, runs, tenants, keys }),
    ...run({ runs }),
    ...runFiles({ ...options, runs }),
    ...runActions({ ...options, runs, audit: state.audit }),
    ...users({ ...options, tenants: operations.tenants }),
    ...fileFormat(),
    ...settings(operations),
    ...accounts(operations),
    ...tenantRoutes(operations, { store: tenants }),
    ...audit({ entries: state.audit }),
    ...penalties({ ...options, audit: state.audit }),
  ]

  const app = new Hono<HttpEnv>()
  // Forms need their origin told, which no-referrer would take away.
  app.use(requestId(), secureHeaders({ referrerPolicy: 'same-origin' }))
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
