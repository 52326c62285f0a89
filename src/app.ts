import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { health } from '../routes/health.ts'
import type { HealthCheck } from '../routes/health.ts'
import { imports } from '../routes/imports.ts'
import type { ImportsOptions } from '../routes/imports.ts'
import { onError, problem } from '../routes/problem.ts'
import type { Log } from './domain/log.ts'

export interface AppOptions extends ImportsOptions {
  log: Log
  checks: readonly HealthCheck[]
}

/** The HTTP interface on web standards alone: `fetch` takes a Request and gives a Response. */
export function createApp(options: AppOptions): Hono {
  const app = new Hono()
  app.use(requestId(), secureHeaders())
  app.onError(onError(options.log))
  app.notFound((context) =>
    problem(
      context,
      'not_found',
      `Cannot find "${context.req.path.slice(0, 200)}": there is no such route`,
    ),
  )
  app.route('/', health(options))
  app.route('/', imports(options))
  return app
}
