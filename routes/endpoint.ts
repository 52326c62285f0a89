import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import type { TokenStore } from '../src/domain/state.ts'
import type { Attempts } from './attempts.ts'
import { authorise, rememberingHash } from './auth.ts'
import type { Caller, HttpEnv, Route } from './auth.ts'
import { parseBody, parseQuery } from './parse.ts'
import type { Recall } from './recall.ts'
import { unlessKnown } from './reply.ts'
import type { MaybePromise, Outcome } from './reply.ts'
import type { Inner, Shell } from './shell.ts'

/** Request headers that a route reads. */
export const headerParameters = {
  'Idempotency-Key': 'Any text; for 24 hours the same key answers the run that its first use made',
  'If-Match': 'ETag of the version to change; another one gets 412',
  'If-None-Match': 'ETag of the version that is known; 304 when it is the current one',
  Prefer: '`wait=30`: the answer comes at the next change, or after so many seconds (at most 50)',
  'Last-Event-ID': 'Version of the last event that was seen',
} as const

export type HeaderParameter = keyof typeof headerParameters

/** One answer of a route, as the document tells it. */
export interface Answer {
  description: string
  /** Of a JSON body. */
  schema?: z.ZodType
  /** Of any other body. */
  type?: string
}

/** A call that can be made as it stands; `{id}` and the like are filled in by who makes it. */
export interface Example {
  query?: Record<string, string>
  body?: unknown
  /** Body of another type than JSON. */
  text?: { type: string; body: string }
  status: number
}

interface Spec<Query, Body> {
  summary: string
  /** Strict: a parameter that is not known is a mistake, and is told. */
  query?: z.ZodType<Query>
  /** JSON; undefined: none is read. */
  body?: z.ZodType<Body>
  /** Types of a body that the handler reads itself. */
  takes?: readonly string[]
  /** Request headers that the handler reads. */
  headers?: readonly HeaderParameter[]
  answers: Readonly<Record<number, Answer>>
  /** Codes of problems beside those that the authorisation and the schemas give. */
  problems?: readonly number[]
  example?: Example
  /** The reply follows from the state, the URL and the caller's client alone: it is made once for the same state. */
  repeats?: boolean
}

/** What a handler gets. */
export interface Call<Query, Body> {
  context: Context<HttpEnv>
  caller: Caller
  query: Query
  body: Body
}

/** One route: what it takes and gives, and what it does. The document is made from the same object. */
export interface Endpoint extends Omit<Spec<unknown, unknown>, 'query' | 'body'> {
  route: Route
  query: z.ZodType | undefined
  body: z.ZodType | undefined
  handle(context: Context<HttpEnv>, caller: Caller): Promise<Outcome>
}

const noQuery = z.strictObject({})

/** A route with its schemas; the handler gets what they made of the request. */
export function endpoint<Query = object, Body = undefined>(
  route: Route,
  spec: Spec<Query, Body>,
  handler: (call: Call<Query, Body>) => MaybePromise<Outcome>,
): Endpoint {
  return {
    ...spec,
    route,
    query: spec.query,
    body: spec.body,
    async handle(context, caller) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without a schema, Query is the empty object
      const schema = spec.query ?? (noQuery as unknown as z.ZodType<Query>)
      const query = parseQuery(schema, context.req.url)
      const body = spec.body === undefined ? undefined : await parseBody(spec.body, context.req.raw)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without a schema, Body is undefined
      return handler({ context, caller, query, body: body as Body })
    },
  }
}

/** Method and path of a route, the path as Hono writes it. */
export function partsOf(route: Route): { method: string; path: string } {
  const [method = '', path = ''] = route.split(' ')
  return { method, path }
}

/** Puts `endpoints` on `app`, each behind its row of the authorisation table. */
export function mount(
  app: Hono<HttpEnv>,
  endpoints: readonly Endpoint[],
  options: {
    tokens: Pick<TokenStore, 'findByHash' | 'touch'>
    clock: Clock
    shell: Shell
    fail: Inner['fail']
    recall: Recall
    attempts: Attempts
  },
): void {
  const { shell, fail, recall } = options
  const authority = { ...options, hash: rememberingHash() }
  for (const one of endpoints) {
    const { method, path } = partsOf(one.route)
    const handle = async (context: Context<HttpEnv>): Promise<Outcome> => {
      // What is read after this is no older than it.
      const mark = one.repeats === true ? recall.mark() : undefined
      const caller = await authorise(authority, one.route, context)
      context.set('tenant', caller.tenantId)
      const outcome = await one.handle(context, caller)
      if (outcome instanceof Response) return outcome
      if (one.repeats === true) recall.keep(context, outcome, { caller, route: path, mark })
      return unlessKnown(outcome, context.req.header('if-none-match'))
    }
    app.on(method, path, shell(path, { handle, fail }))
  }
}

/** Methods that `path` has on one of `endpoints`; for the answer to a wrong one. */
export function methodsOf(endpoints: readonly Endpoint[], path: string): string[] {
  return endpoints
    .map(({ route }) => partsOf(route))
    .filter((parts) => new RegExp(`^${patternOf(parts.path)}$`).test(path))
    .map(({ method }) => method)
}

function patternOf(path: string): string {
  return path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')
}
