import { expect, test } from 'vitest'
import { pauseAfter, settingsPause } from '../../src/mail/retry.ts'

const minute = 60_000

test('pauseAfter() grows from 1 minute to 4 hours and ends after 48 hours', () => {
  const pauses: number[] = []
  for (let attempts = 1; ; attempts += 1) {
    const pause = pauseAfter(attempts)
    if (pause === undefined) break
    pauses.push(pause / minute)
  }
  expect(pauses.slice(0, 6)).toEqual([1, 5, 15, 60, 240, 240])
  expect(Math.max(...pauses)).toBe(240)
  expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBe(48 * 60)
})

test('settingsPause() looks often at first and never less than every 15 minutes', () => {
  expect(settingsPause(0)).toBe(minute)
  expect(settingsPause(20 * minute)).toBe(5 * minute)
  expect(settingsPause(30 * 24 * 60 * minute)).toBe(15 * minute)
})
