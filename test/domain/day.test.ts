import { expect, test } from 'vitest'
import { startOfNextDay } from '../../src/domain/day.ts'

test.each([
  ['2026-11-24T03:00:00Z', 'UTC', '2026-11-25T00:00:00.000Z'],
  ['2026-11-24T00:00:00.500Z', 'UTC', '2026-11-25T00:00:00.000Z'],
  ['2026-11-24T03:00:00Z', 'America/Toronto', '2026-11-24T05:00:00.000Z'],
  ['2026-11-24T06:00:00Z', 'America/Toronto', '2026-11-25T05:00:00.000Z'],
  ['2026-03-08T20:00:00Z', 'America/Toronto', '2026-03-09T04:00:00.000Z'],
  ['2026-03-08T06:30:00Z', 'America/Toronto', '2026-03-09T04:00:00.000Z'],
  ['2026-10-31T20:00:00Z', 'Asia/Kathmandu', '2026-11-01T18:15:00.000Z'],
  // Clocks in Santiago go from 23:59 to 01:00.
  ['2026-09-05T20:00:00Z', 'America/Santiago', '2026-09-06T04:00:00.000Z'],
])('startOfNextDay() of %s in %s is %s', (now, timeZone, expected) => {
  expect(new Date(startOfNextDay(Date.parse(now), timeZone)).toISOString()).toBe(expected)
})
