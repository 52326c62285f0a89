import { describe, expect, test } from 'vitest'
import { createSeen } from '../../src/import/filter.ts'

/** 53 bits that are another number for each `n`, in no order; never 0. */
function hashOf(n: number): number {
  let low = Math.imul(n + 1, 0x9e3779b1)
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b)
  let high = Math.imul(n ^ 0x5bd1e995, 0xc2b2ae35)
  high = Math.imul(high ^ (high >>> 15), 0x27d4eb2f)
  return ((high ^ (high >>> 14)) >>> 11) * 2 ** 32 + ((low ^ (low >>> 13)) >>> 0)
}

describe('createSeen()', () => {
  test.each([
    { of: 'a few keys, as expected', expected: 1_000, keys: 900, mostWrong: 0 },
    { of: 'more keys than expected', expected: 1_000, keys: 50_000, mostWrong: 0.001 },
    { of: 'keys that overflow its table', expected: 2 ** 23, keys: 4_000_000, mostWrong: 0.005 },
    { of: 'keys of a very large file', expected: 2 ** 25, keys: 1_000_000, mostWrong: 0.001 },
    { of: 'few keys of many', expected: 2 ** 23, keys: 30_000, mostWrong: 0, few: true },
    { of: 'many keys after few', expected: 2 ** 22, keys: 500_000, mostWrong: 0.001, few: true },
  ])('of $of takes few for known, and knows each afterwards', (given) => {
    const { expected, keys, mostWrong, few } = { few: false, ...given }
    const seen = createSeen(expected, few)
    let wrong = 0
    for (let n = 0; n < keys; n += 1) if (seen.add(hashOf(n))) wrong += 1
    expect(wrong / keys).toBeLessThanOrEqual(mostWrong)
    let missed = 0
    for (let n = 0; n < keys; n += 1) if (!seen.add(hashOf(n))) missed += 1
    expect(missed).toBe(0)
  })
})
