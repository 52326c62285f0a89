import type { Clock } from '../domain/clock.ts'
import type { DropLimits } from './limits.ts'

/** A penalty that an address has, for the console and the API. */
export interface Penalty {
  /** An IPv4 address, or the /64 of an IPv6 address. */
  source: string
  until: number
  enforced: boolean
}

/** What counts as one address: /32 of IPv4, /64 of IPv6, since one peer has the whole of a /64. */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) {
    while (groups.length + behind.length < 8) groups.push('0')
    groups.push(...behind)
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}

/** Penalties of addresses that failed to log in; the table is bounded and forgets by itself. */
export function createPenalties(options: {
  clock: Clock
  limits: DropLimits
  /** Addresses that never get a penalty. */
  allowList?: readonly string[]
}) {
  const { clock, limits } = options
  const allowed = new Set((options.allowList ?? []).map(sourceOf))
  // In the order of their last failure: the first is the one to forget.
  const ends = new Map<string, number>()

  function remaining(source: string): number {
    const end = ends.get(source)
    if (end === undefined) return 0
    const left = end - clock.now()
    if (left <= 0) ends.delete(source)
    return Math.max(0, left)
  }

  return {
    /** A login from `address` has failed. */
    add(address: string): void {
      const source = sourceOf(address)
      if (allowed.has(source)) return
      const left = Math.min(remaining(source) + limits.penaltyStepMs, limits.penaltyMostMs)
      ends.delete(source)
      ends.set(source, clock.now() + left)
      if (ends.size > limits.penaltySources) {
        const oldest = ends.keys().next()
        if (!oldest.done) ends.delete(oldest.value)
      }
    },
    /** Milliseconds that `address` must wait; 0 when it may come in. */
    waitMs(address: string): number {
      const left = remaining(sourceOf(address))
      return left >= limits.penaltyEnforcedMs ? left : 0
    },
    list(): Penalty[] {
      return [...ends.keys()]
        .map((source) => ({ source, left: remaining(source) }))
        .filter(({ left }) => left > 0)
        .map(({ source, left }) => ({
          source,
          until: clock.now() + left,
          enforced: left >= limits.penaltyEnforcedMs,
        }))
    },
    /** Lifts the penalty of an address or of a listed source; false when it had none. */
    lift(addressOrSource: string): boolean {
      return ends.delete(addressOrSource) || ends.delete(sourceOf(addressOrSource))
    },
  }
}

export type Penalties = ReturnType<typeof createPenalties>
