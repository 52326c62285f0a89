const minuteMs = 60_000

// After these, every 4 hours until 48 hours have passed since the first try (spec/promises.md, P3).
const firstPausesMinutes = [1, 5, 15, 60] as const
const laterPauseMinutes = 240
const giveUpMinutes = 48 * 60

/** Milliseconds from the try number `attempts` to the next one; undefined when that was the last. */
export function pauseAfter(attempts: number): number | undefined {
  let elapsed = 0
  let pause = 0
  for (let tried = 1; tried <= attempts; tried += 1) {
    if (elapsed >= giveUpMinutes) return undefined
    const wanted = firstPausesMinutes[tried - 1] ?? laterPauseMinutes
    pause = Math.min(wanted, giveUpMinutes - elapsed)
    elapsed += pause
  }
  return pause * minuteMs
}

/** Tries after which `pauseAfter` still is in its first, short pauses. */
export const shortPauses = firstPausesMinutes.length

/**
 * Milliseconds until a mail that waits for its client's settings is looked at again: longer the longer
 * it has waited, since `nudge(tenantId)` brings it forward when the settings change.
 */
export function settingsPause(waitedMs: number): number {
  return Math.min(Math.max(waitedMs / 4, minuteMs), 15 * minuteMs)
}
