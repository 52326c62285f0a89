import { randomFillSync } from 'node:crypto'
import type { Clock } from './domain/clock.ts'

/** The same clock, set to one that is `aheadMs` ahead of it. */
export function clockAhead(clock: Clock, aheadMs: () => number): Clock {
  return { ...clock, now: () => clock.now() + aheadMs() }
}

/** The clock and randomness of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: (length) => randomFillSync(new Uint8Array(length)),
}
