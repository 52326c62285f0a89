import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { matchesTag } from './match-tag.ts'

/** An answer whose body is at hand. Headers are joined once for all of it, which a Response does dearly. */
export interface Reply {
  readonly status: ContentfulStatusCode | 304
  readonly body: string | Uint8Array<ArrayBuffer> | null
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** What a handler gives. */
export type Outcome = Response | Reply

export type MaybePromise<T> = T | Promise<T>

/** A reply with JSON that was made before. */
export function jsonReply(body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 200, body, headers: { ...headers, 'content-type': 'application/json' } }
}

// A reply that is given again and again has its 304 made once.
const known304 = new WeakMap<Reply, Reply>()

/** The same reply, or 304 when `If-None-Match` names its version. */
export function unlessKnown(reply: Reply, known: string | undefined): Reply {
  const etag = reply.headers['etag']
  if (known === undefined || etag === undefined || !matchesTag(known, etag)) return reply
  let bare = known304.get(reply)
  if (bare === undefined) {
    const { 'content-type': _, ...headers } = reply.headers
    bare = { status: 304, body: null, headers }
    known304.set(reply, bare)
  }
  return bare
}
