import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import type { AuditStore } from '../src/domain/state.ts'
import { sourceOf } from '../src/drop/network.ts'

/** Every limit of wrong tokens and links, each with its reason. */
export const attemptLimits = {
  /** Wrong ones of one address within a minute that are answered as such: a script with an old token makes a few. */
  wrongPerMinute: 20,
  /** Entries of the audit within a minute, of all addresses: a flood must not fill the disk. */
  auditedPerMinute: 60,
  /** Addresses that are counted; all are forgotten beyond that: a flood costs bounded memory. */
  sources: 10_000,
} as const

const minuteMs = 60_000

interface Minute {
  began: number
  count: number
}

/** Counts what did not let anybody in. */
export interface Attempts {
  /**
   * A token or a link from `address` was wrong. Throws `too_many` when there were too many before it.
   *
   * What is right is never held up: 32 random bytes cannot be guessed, and behind a proxy everybody has its address.
   */
  failed(attempt: { address: string | null; protocol: 'http' | 'console'; what: string }): void
}

/** Counts of the last minute, by address. */
export function createAttempts({
  audit,
  clock,
}: {
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}): Attempts {
  const sources = new Map<string, Minute>()
  let audited: Minute = { began: 0, count: 0 }

  function counted(minute: Minute | undefined): Minute {
    const now = clock.now()
    const current = minute === undefined || now - minute.began > minuteMs
    const next = current ? { began: now, count: 0 } : minute
    next.count += 1
    return next
  }

  return {
    failed({ address, protocol, what }) {
      if (address !== null) {
        const source = sourceOf(address)
        const minute = counted(sources.get(source))
        if (sources.size >= attemptLimits.sources) sources.clear()
        sources.set(source, minute)
        if (minute.count > attemptLimits.wrongPerMinute) {
          throw new AppError(
            'too_many',
            `Cannot answer: over ${attemptLimits.wrongPerMinute} wrong tokens or links came from this address within a minute, wait a minute; a valid one is taken at any time`,
          )
        }
      }
      audited = counted(audited)
      if (audited.count > attemptLimits.auditedPerMinute) return
      audit.append({
        at: clock.now(),
        tenantId: null,
        event: 'AUTH_FAILURE',
        actor: null,
        address,
        protocol,
        clientVersion: null,
        path: null,
        bytes: null,
        detail: what,
      })
    },
  }
}
