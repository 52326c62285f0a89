import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AppError, isAppError } from '../src/domain/error.ts'
import type { ErrorCode } from '../src/domain/error.ts'
import type { Log } from '../src/domain/log.ts'
import type { HttpEnv } from './auth.ts'

interface Kind {
  status: ContentfulStatusCode
  title: string
  /** Seconds after which the same request may do better. */
  retryAfter?: number
}

/** What each error code is over HTTP (spec/http-api.md, errors). */
export const kinds: Readonly<Record<ErrorCode | ProblemOnly, Kind>> = {
  invalid: { status: 422, title: 'The request cannot be used as it is' },
  unauthenticated: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  not_found: { status: 404, title: 'Not found' },
  exists: { status: 409, title: 'It is there already' },
  conflict: { status: 409, title: 'The state does not allow this' },
  too_large: { status: 413, title: 'Too large' },
  out_of_space: { status: 507, title: 'No space left', retryAfter: 300 },
  too_many: { status: 429, title: 'Too many', retryAfter: 30 },
  unavailable: { status: 503, title: 'Not available now', retryAfter: 10 },
  unsupported: { status: 415, title: 'The type of the body is not supported' },
  changed: { status: 412, title: 'It was changed by someone else' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  internal: { status: 500, title: 'A fault of the service', retryAfter: 30 },
}

/** Problems that only this interface has. */
type ProblemOnly = 'changed' | 'method_not_allowed' | 'internal'

/** One part of a body or a query that cannot be used. */
export interface Fault {
  /** JSON Pointer into the body (RFC 6901), or the name of a query parameter. */
  pointer: string
  detail: string
}

/** A body or a query with faults; all of them are told at once. */
export class InvalidRequest extends AppError {
  readonly faults: readonly Fault[]

  constructor(message: string, faults: readonly Fault[]) {
    super('invalid', message)
    this.name = 'InvalidRequest'
    this.faults = faults
  }
}

/** `If-Match` names a version that is no longer the stored one. */
export class ChangedSince extends Error {
  constructor(what: string) {
    super(
      `Cannot change ${what}: it was changed since the version that If-Match names, read it again and send its new ETag`,
    )
    this.name = 'ChangedSince'
  }
}

/** An answer of RFC 9457; `detail` says what is, what is needed, and how to put it right. */
export function problem(
  context: Context<HttpEnv>,
  code: ErrorCode | ProblemOnly,
  detail: string,
  faults?: readonly Fault[],
): Response {
  const { status, title, retryAfter } = kinds[code]
  const body = {
    type: 'about:blank',
    title,
    status,
    detail,
    instance: context.req.path.slice(0, 200),
    code,
    ...(faults === undefined ? {} : { errors: faults }),
    requestId: context.get('requestId'),
  }
  if (status === 401) context.header('www-authenticate', 'Bearer realm="rosterdrop"')
  if (retryAfter !== undefined) context.header('retry-after', String(retryAfter))
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' })
}

/** Turns what a route throws into a problem; what no caller can act on is logged and hidden. */
export function onError(log: Log) {
  return (error: Error, context: Context<HttpEnv>): Response => {
    if (error instanceof InvalidRequest) {
      return problem(context, 'invalid', error.message, error.faults)
    }
    if (error instanceof ChangedSince) return problem(context, 'changed', error.message)
    if (isAppError(error)) return problem(context, error.code, error.message)
    const requestId = context.get('requestId')
    log.error('request failed', { request_id: requestId, route: context.get('route'), error })
    return problem(
      context,
      'internal',
      'The request could not be done through a fault of the service, try it again later',
    )
  }
}
