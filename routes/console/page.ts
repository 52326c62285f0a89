import { Hono } from 'hono'
import type { Context } from 'hono'
import { html } from 'hono/html'
import { AppError, isAppError } from '../../src/domain/error.ts'
import type { Log } from '../../src/domain/log.ts'
import type { Caller, HttpEnv } from '../auth.ts'
import { kinds } from '../problem.ts'
import type { Shell } from '../shell.ts'
import { consoleAccess } from './access.ts'
import type { ConsoleRoute } from './access.ts'
import { requireSameOrigin } from './origin.ts'
import type { createSessions } from './session.ts'

/** What `html` makes: markup in which every value is escaped. */
export type Html = ReturnType<typeof html>

/** One visit to a page. */
export interface Visit {
  context: Context<HttpEnv>
  caller: Caller
  /** A part of the path, such as `id`. */
  readonly param: (name: string) => string
  /** A parameter of the query; '' when it is not there. */
  readonly query: (name: string) => string
}

/** What a page shows, before the frame is put round it. */
export interface Content {
  title: string
  body: Html
  /** The client that the page is about: its tabs are shown. */
  tenantId?: string
  /** Milliseconds after which the parts marked `data-live` are fetched again. */
  liveMs?: number
  /** Where they are fetched from; default: this page. */
  livePath?: string
  /** Where an event says when to fetch them; the time counts where there are no events. */
  liveEvents?: string
  status?: 200 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503 | 507
}

/** Puts header, navigation and footer round what a page shows. */
export type Frame = (visit: Visit, content: Content) => Promise<Html>

/** One page or action of the console. */
export interface ConsolePage {
  route: ConsoleRoute
  readonly handle: (visit: Visit) => Promise<Content | Response>
}

/** A page with its row of the access table. */
export function page(
  route: ConsoleRoute,
  handle: (visit: Visit) => Promise<Content | Response> | Content | Response,
): ConsolePage {
  return {
    route,
    async handle(visit) {
      return handle(visit)
    },
  }
}

/** The answer to a form that was done: the page to see next, with a word on what was done. */
export function done(visit: Visit, path: string, word?: string): Response {
  const separator = path.includes('?') ? '&' : '?'
  return visit.context.redirect(word === undefined ? path : `${path}${separator}done=${word}`, 303)
}

// Nothing from outside, nothing inline; frames show mails, which have a stricter policy of their own.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Puts `pages` on a sub-app, each behind its row of the access table; faults are pages too. */
export function mountPages(
  pages: readonly ConsolePage[],
  options: { sessions: ReturnType<typeof createSessions>; frame: Frame; log: Log; shell: Shell },
): Hono<HttpEnv> {
  const { sessions, frame, log, shell } = options
  const app = new Hono<HttpEnv>()

  async function render(visit: Visit, content: Content): Promise<Response> {
    const markup = await frame(visit, content)
    return visit.context.html(markup, content.status ?? 200)
  }

  async function answer(
    { route, handle }: ConsolePage,
    context: Context<HttpEnv>,
  ): Promise<Response> {
    setHeaders(context)
    const { method } = partsOf(route)
    if (method !== 'GET') requireSameOrigin(context)
    const scopes: readonly string[] = consoleAccess[route]
    const signedIn = await sessions.caller(context)
    const caller = signedIn ?? nobody(context)
    if (signedIn === undefined && !scopes.includes('anyone')) {
      if (method !== 'GET') {
        throw new AppError('unauthenticated', 'Cannot do this: you are signed out, sign in again')
      }
      const { pathname, search } = new URL(context.req.url)
      return context.redirect(`/console/sign-in?next=${encodeURIComponent(pathname + search)}`, 303)
    }
    if (!scopes.includes('anyone') && !scopes.includes(caller.scope)) {
      throw new AppError(
        'forbidden',
        `Cannot show this: you are signed in as ${caller.scope}, ${scopes.join(' or ')} is needed`,
      )
    }
    const visit = visitOf(context, caller)
    const content = await handle(visit)
    return content instanceof Response ? content : render(visit, content)
  }

  async function fail(error: Error, context: Context<HttpEnv>): Promise<Response> {
    setHeaders(context)
    const known = isAppError(error)
    if (!known) {
      const requestId = context.get('requestId')
      log.error('request failed', { request_id: requestId, route: context.get('route'), error })
    }
    const { status } = kinds[known ? error.code : 'internal']
    const visit = visitOf(context, (await sessions.caller(context)) ?? nobody(context))
    const body = html`<div class="empty">
      <p class="empty-mark">${status}</p>
      <h1>${titles[status] ?? 'This cannot be done'}</h1>
      <p>
        ${
          known
            ? `${error.message}.`
            : 'The request could not be done through a fault of the service. Try it again later.'
        }
      </p>
      <p><a class="button" href="/">To the start</a></p>
    </div>`
    const markup = await frame(visit, { title: titles[status] ?? 'Not done', body })
    return context.html(markup, status)
  }

  for (const one of pages) {
    const { method, path } = partsOf(one.route)
    app.on(method, path, shell(path, { fail, handle: (context) => answer(one, context) }))
  }
  const nowhere = shell('none', {
    fail,
    handle(context) {
      throw new AppError('not_found', `There is no page at ${context.req.path.slice(0, 100)}`)
    },
  })
  app.all('/console/*', (context) => nowhere(context))
  return app
}

/** Method and path of a page, the path as Hono writes it. */
function partsOf(route: ConsoleRoute): { method: string; path: string } {
  const [method = '', path = ''] = route.split(' ')
  return { method, path }
}

const titles: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'Not found',
  429: 'Too many tries',
  500: 'A fault of ours',
}

function setHeaders(context: Context): void {
  context.header('content-security-policy', policy)
  context.header('cache-control', 'no-store')
}

function nobody(context: Context<HttpEnv>): Caller {
  return { scope: 'anyone', tenantId: null, name: null, address: context.env?.address ?? null }
}

function visitOf(context: Context<HttpEnv>, caller: Caller): Visit {
  return {
    context,
    caller,
    param: (name) => context.req.param(name) ?? '',
    query: (name) => context.req.query(name) ?? '',
  }
}
