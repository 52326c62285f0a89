import { expect, test } from 'vitest'
import { counted, moment, oneLine, size } from '../../src/domain/figures.ts'

test('counted() groups thousands and knows one from many', () => {
  expect(counted(1, 'row')).toBe('1 row')
  expect(counted(4310, 'row')).toBe('4,310 rows')
})

test('size() takes the unit that fits', () => {
  expect([812, 1500, 9_700_000, 1_100_000_000].map(size)).toEqual([
    '812 bytes',
    '1.5 kB',
    '9.7 MB',
    '1.1 GB',
  ])
})

test('moment() writes the time of a zone with the zone, summer and winter', () => {
  expect(moment(Date.UTC(2026, 0, 5, 5, 4, 3), 'America/Toronto')).toBe('2026-01-05 00:04:03 EST')
  expect(moment(Date.UTC(2026, 6, 5, 5, 4, 3), 'America/Toronto')).toBe('2026-07-05 01:04:03 EDT')
  expect(moment(Date.UTC(2026, 6, 5, 5, 4, 3), 'UTC')).toBe('2026-07-05 05:04:03 UTC')
})

test('oneLine() shows line breaks, drops what could reorder text, and cuts by characters', () => {
  expect(oneLine('a\r\nb\nc\u202Egpj.csv\u0000', 50)).toBe('a↵b↵c gpj.csv ')
  expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…')
  expect(oneLine('😀😀😀', 3)).toBe('😀😀😀')
})
