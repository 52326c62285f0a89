import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { isAppError } from '../src/domain/error.ts'
import type { ErrorCode } from '../src/domain/error.ts'
import type { Log } from '../src/domain/log.ts'

interface Kind {
  status: ContentfulStatusCode
  title: string
}

/** What each error code is over HTTP (spec/http-api.md, errors). */
const kinds: Readonly<Record<ErrorCode, Kind>> = {
  invalid: { status: 422, title: 'The request cannot be used as it is' },
  unauthenticated: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  not_found: { status: 404, title: 'Not found' },
  exists: { status: 409, title: 'It is there already' },
  conflict: { status: 409, title: 'The state does not allow this' },
  too_large: { status: 413, title: 'Too large' },
  out_of_space: { status: 507, title: 'No space left' },
  too_many: { status: 429, title: 'Too many' },
  unavailable: { status: 503, title: 'Not available now' },
  unsupported: { status: 415, title: 'The type of the body is not supported' },
}

/** An answer of RFC 9457; `detail` says what is, what is needed, and how to put it right. */
export function problem(
  context: Context,
  code: ErrorCode | 'internal' | 'method_not_allowed',
  detail: string,
): Response {
  const { status, title } =
    code === 'internal'
      ? ({ status: 500, title: 'A fault of the service' } as const)
      : code === 'method_not_allowed'
        ? ({ status: 405, title: 'Method not allowed' } as const)
        : kinds[code]
  const requestId: unknown = context.get('requestId')
  const body = { type: 'about:blank', title, status, detail, code, instance: context.req.path }
  if (status === 401) context.header('www-authenticate', 'Bearer realm="rosterdrop"')
  return context.body(JSON.stringify({ ...body, requestId }), status, {
    'content-type': 'application/problem+json',
  })
}

/** Turns what a route throws into a problem; what no caller can act on is logged and hidden. */
export function onError(log: Log) {
  return (error: Error, context: Context): Response => {
    if (isAppError(error)) return problem(context, error.code, error.message)
    const requestId: unknown = context.get('requestId')
    log.error('request failed', { request_id: requestId, path: context.req.path, error })
    return problem(
      context,
      'internal',
      'The request could not be done through a fault of the service, try it again later',
    )
  }
}
