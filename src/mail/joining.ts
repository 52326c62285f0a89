import { mailPath } from '../domain/layout.ts'
import type { OutboxMail } from '../domain/state.ts'
import { shortPauses } from './retry.ts'

/** Between two failure mails of one client; what comes meanwhile joins the next one. */
const failureMailEveryMs = 5 * 60_000
/** Runs that one failure mail tells about; more of them make a second mail. */
const maxJoined = 50

// A failure mail that keeps failing holds back the later ones only while its pauses are short.
const marginMs = 1000

/** Where the message of `mail` is kept when it makes its own. */
export function ownPath(mail: OutboxMail): string {
  return mailPath(mail.tenantId, mail.id)
}

/** True when `mail` is told in the message of another one. */
export function hasJoined(mail: OutboxMail): boolean {
  return mail.path !== null && mail.path !== ownPath(mail)
}

function isWaiting(mail: OutboxMail): boolean {
  return mail.kind === 'failures' && mail.state === 'queued'
}

/** A mail about what completed that waits for the end of the day. */
function isDigest({ kind, createdAt, nextAttemptAt }: OutboxMail): boolean {
  return kind === 'completed' && nextAttemptAt > createdAt
}

function goWith(mail: OutboxMail, other: OutboxMail): boolean {
  if (mail.kind === 'failures') return isWaiting(other)
  const isDue = other.state === 'queued' && other.nextAttemptAt <= mail.nextAttemptAt
  return isDigest(mail) && isDigest(other) && isDue
}

/**
 * Until when failure mail `mail` is held back, among the client's `recent` mails: for 5 minutes after
 * the last failure mail, or while an earlier one is on its way. 0: it may go now.
 */
export function heldBackUntil(mail: OutboxMail, recent: readonly OutboxMail[]): number {
  if (mail.kind !== 'failures') return 0
  let until = 0
  for (const other of recent) {
    if (other.kind !== 'failures' || other.id === mail.id) continue
    if (other.state === 'sent') until = Math.max(until, (other.sentAt ?? 0) + failureMailEveryMs)
    const underWay =
      isWaiting(other) && !hasJoined(other) && other.attempts > 0 && other.attempts <= shortPauses
    if (underWay && mail.attempts === 0) until = Math.max(until, other.nextAttemptAt + marginMs)
  }
  return until
}

/** The client's other mails that `mail` takes along, oldest first: of failures, or of a day's completed imports. */
export function joining(mail: OutboxMail, recent: readonly OutboxMail[]): OutboxMail[] {
  if (mail.runId === null) return []
  const path = ownPath(mail)
  return recent
    .filter((other) => other.id !== mail.id && other.runId !== null && goWith(mail, other))
    .filter((other) => other.path === path || (other.path === null && other.attempts === 0))
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .slice(0, maxJoined - 1)
}
