import { randomFillSync } from 'node:crypto'
import type { Clock } from './domain/clock.ts'

/** The clock and randomness of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: (length) => randomFillSync(new Uint8Array(length)),
}
