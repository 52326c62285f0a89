import type { Clock } from '../domain/clock.ts'
import type { DropLimits } from './limits.ts'
import { sourceOf } from './network.ts'

/** One connection on its way through. */
export interface Passage {
  loggedIn(): void
  leave(): void
}

/** Counts connections, of each address and those that have not logged in. */
export function createTurnstile({ clock, limits }: { clock: Clock; limits: DropLimits }) {
  const connections = new Map<string, { all: number; waiting: number }>()
  let startups = 0

  /** sshd's random early drop: a flood of connections must not keep the next honest one out. */
  function dropsEarly(source: string): boolean {
    const { startupsBegin, startupsRate, startupsFull } = limits
    if (startups >= startupsFull) return true
    // By chance only who has others waiting: else one address with 20 silent ones kept out every third of the rest.
    if (startups < startupsBegin || (connections.get(source)?.waiting ?? 0) === 0) return false
    const share = (startups - startupsBegin) / Math.max(1, startupsFull - startupsBegin)
    const rate = startupsRate + (100 - startupsRate) * share
    return ((clock.random(1)[0] ?? 0) / 256) * 100 < rate
  }

  return {
    /** Why no further connection of `address` is let in; undefined when one is. */
    isFull(address: string): string | undefined {
      const source = sourceOf(address)
      if ((connections.get(source)?.all ?? 0) >= limits.connectionsPerAddress) {
        return 'too many connections from this address'
      }
      return dropsEarly(source) ? 'too many connections that have not logged in' : undefined
    },
    enter(address: string): Passage {
      const source = sourceOf(address)
      const counts = connections.get(source) ?? { all: 0, waiting: 0 }
      connections.set(source, counts)
      counts.all += 1
      counts.waiting += 1
      startups += 1
      let waiting = true
      function loggedIn(): void {
        if (!waiting) return
        waiting = false
        counts.waiting -= 1
        startups -= 1
      }
      return {
        loggedIn,
        leave() {
          loggedIn()
          counts.all -= 1
          if (counts.all === 0) connections.delete(source)
        },
      }
    },
  }
}
