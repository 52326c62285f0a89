import type { Clock } from '../domain/clock.ts'
import type { PenaltyBook } from '../domain/penalty.ts'
import type { Signals } from '../domain/state.ts'
import type { DropLimits } from './limits.ts'
import { sourceOf } from './network.ts'

export interface Penalties extends PenaltyBook {
  /** A login from `address` has failed. */
  add(address: string): void
  /** Milliseconds that `address` must wait; 0 when it may come in. */
  waitMs(address: string): number
}

/** Penalties of addresses that failed to log in; the table is bounded and forgets by itself. */
export function createPenalties(options: {
  clock: Clock
  limits: DropLimits
  /** Tells the other processes of this database, and hears of theirs. Default: there are none. */
  signals?: Signals
}): Penalties {
  const { clock, limits, signals } = options
  // In the order of their last failure: the first is the one to forget.
  const penalties = new Map<string, { until: number; enforced: boolean }>()

  function left(source: string): number {
    const penalty = penalties.get(source)
    if (penalty === undefined) return 0
    const remaining = penalty.until - clock.now()
    if (remaining <= 0) penalties.delete(source)
    return Math.max(0, remaining)
  }

  function set(source: string, length: number, enforced: boolean): void {
    penalties.delete(source)
    if (length <= 0) return
    penalties.set(source, { until: clock.now() + length, enforced })
    if (penalties.size > limits.penaltySources) {
      const oldest = penalties.keys().next()
      if (!oldest.done) penalties.delete(oldest.value)
    }
  }

  function tell(source: string, length: number, enforced: boolean): void {
    // The processes of a database have one time.
    const until = length === 0 ? 0 : clock.now() + length
    const text = `${until} ${Number(enforced)} ${source}`
    signals?.send('penalties', text, { key: source, until })
  }

  signals?.on('penalties', (text) => {
    const [until, enforced, source] = text.split(' ')
    if (source === undefined) return
    const length = Math.min(Number(until) - clock.now(), limits.penaltyMostMs)
    set(source, length, enforced === '1')
  })

  return {
    add(address) {
      const source = sourceOf(address)
      const length = Math.min(left(source) + limits.penaltyStepMs, limits.penaltyMostMs)
      // Once it keeps the address out it does so to its end, as sshd's does.
      const before = penalties.get(source)?.enforced === true
      const enforced = before || length >= limits.penaltyEnforcedMs
      set(source, length, enforced)
      tell(source, length, enforced)
    },
    waitMs(address) {
      const source = sourceOf(address)
      const remaining = left(source)
      return penalties.get(source)?.enforced === true ? remaining : 0
    },
    list() {
      return [...penalties]
        .map(([source, { until, enforced }]) => ({ source, until, enforced }))
        .filter(({ until }) => until > clock.now())
        .toSorted((a, b) => b.until - a.until)
    },
    lift(addressOrSource) {
      const lifted = [addressOrSource, sourceOf(addressOrSource)].find((source) =>
        penalties.delete(source),
      )
      if (lifted !== undefined) tell(lifted, 0, false)
      return lifted !== undefined
    },
  }
}
