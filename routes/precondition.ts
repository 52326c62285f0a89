import { matchesTag } from './match-tag.ts'
import { ChangedSince } from './problem.ts'

// A minute is what proxies let pass in silence.
const longestWaitSeconds = 50

/** Throws ChangedSince when `If-Match` is there and does not name `etag`. */
export function requireMatch(header: string | undefined, etag: string, what: string): void {
  if (header !== undefined && !matchesTag(header, etag)) throw new ChangedSince(what)
}

/** Milliseconds of `wait=` in a `Prefer` header (RFC 7240 section 4.3), cut at our longest; undefined without. */
export function preferredWait(header: string | undefined): number | undefined {
  const seconds = /(?:^|,|;)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:,|;|$)/i.exec(header ?? '')?.[1]
  return seconds === undefined ? undefined : Math.min(Number(seconds), longestWaitSeconds) * 1000
}
