import { Hono } from 'hono'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { createAttempts } from '../routes/attempts.ts'
import type { HttpEnv } from '../routes/auth.ts'
import { consolePages } from '../routes/console/console.ts'
import type { ConsoleParts } from '../routes/console/console.ts'
import { methodsOf, mount } from '../routes/endpoint.ts'
import { apiEndpoints } from '../routes/endpoints.ts'
import type { ApiOptions } from '../routes/endpoints.ts'
import { createOperations } from '../routes/operations.ts'
import { onError, problem } from '../routes/problem.ts'
import { createRecall } from '../routes/recall.ts'
import type { Recall } from '../routes/recall.ts'
import { createObserve, createShell } from '../routes/shell.ts'
import type { Log } from './domain/log.ts'

export interface AppOptions extends ApiOptions {
  log: Log
  /** A PHC string of a new password. */
  hashPassword: (password: string) => Promise<string>
  /** Deliveries to webhooks may be due. */
  onWebhook?: () => void
  console: ConsoleParts
}

/** `recall`: the same answer as `fetch` gives, without its objects, where one of before is still good. */
export type App = Hono<HttpEnv> & { recall: Recall['answer'] }

/** The HTTP interface on web standards alone: `fetch` takes a Request and gives a Response. */
export function createApp(options: AppOptions): App {
  const { state } = options
  const operations = createOperations(options)
  const endpoints = apiEndpoints(options, operations)

  // Named, so that a route it cannot take fails at the start; the default falls back to a slower one in silence.
  const app = new Hono<HttpEnv>({ router: new RegExpRouter() })
  const observe = createObserve(options)
  const shell = createShell(observe)
  const attempts = createAttempts({ audit: state.audit, clock: options.clock })
  const recall = createRecall({ mark: () => state.mark(), clock: options.clock, observe })
  const fail = onError(options.log)
  app.onError(fail)
  const missing = shell('none', {
    fail,
    handle(context) {
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
    },
  })
  app.notFound((context) => missing(context))
  app.route('/', consolePages({ ...options, ...options.console, operations, shell, attempts }))
  mount(app, endpoints, {
    tokens: state.tokens,
    clock: options.clock,
    shell,
    fail,
    recall,
    attempts,
  })
  const { fetch } = app
  app.fetch = (request, ...rest) => {
    const { method, url, headers } = request
    const known = recall.answer({ method, url, header: (name) => headers.get(name) ?? undefined })
    return known === undefined ? fetch(request, ...rest) : new Response(known.body, known)
  }
  return Object.assign(app, { recall: recall.answer })
}
