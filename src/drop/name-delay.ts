import type { Clock } from '../domain/clock.ts'
import type { DropLimits } from './limits.ts'

/**
 * Slows down the guessing of one name from many addresses; no name is ever locked, which would let anyone
 * keep a client out (spec/promises.md).
 */
export function createNameDelays({ clock, limits }: { clock: Clock; limits: DropLimits }) {
  // Names that do not exist are counted like the others, or they would show.
  const failures = new Map<string, { count: number; at: number }>()

  /** Failed logins that are not forgotten yet. */
  function counted(name: string): number {
    const entry = failures.get(name)
    if (entry === undefined) return 0
    return Math.max(0, entry.count - (clock.now() - entry.at) / limits.nameForgetMs)
  }

  return {
    failed(name: string): void {
      const count = counted(name) + 1
      failures.delete(name)
      failures.set(name, { count, at: clock.now() })
      if (failures.size > limits.penaltySources) {
        const oldest = failures.keys().next()
        if (!oldest.done) failures.delete(oldest.value)
      }
    },
    /** Milliseconds before a password for `name` is looked at. */
    delayMs(name: string): number {
      const over = Math.ceil(counted(name) - limits.nameForgiven)
      return Math.min(limits.nameMostMs, Math.max(0, over) * limits.nameStepMs)
    },
  }
}
