import { describe, expect, test } from 'vitest'
import { createLikely } from '../../src/import/likely.ts'
import { mark, userSet } from '../../src/import/user-set.ts'

const lastUserId = 1000

/** As a scan marks them: users of a file in their order, without some. */
function met(to: number, without: readonly number[], from = 1): Uint8Array {
  const present = userSet(lastUserId)
  for (let id = from; id <= to; id += 1) if (!without.includes(id)) mark(present, id)
  return present
}

describe('createLikely()', () => {
  test('gives the users whom the file has passed by, each once', () => {
    const present = met(500, [3, 130, 255, 490])
    const likely = createLikely(present, lastUserId)
    expect(likely.next(10)).toEqual([3, 130, 255])
    expect(likely.next(10)).toEqual([])
    for (let id = 501; id <= 900; id += 1) if (id !== 700) mark(present, id)
    expect(likely.next(10)).toEqual([490, 700])
  })

  test('gives none where more are passed by than were asked for, and goes on behind them', () => {
    const present = met(600, [3, 4, 5, 300])
    const likely = createLikely(present, lastUserId)
    expect(likely.next(3)).toEqual([])
    for (let id = 601; id <= 900; id += 1) if (id !== 700) mark(present, id)
    expect(likely.next(3)).toEqual([700])
  })

  test('gives none of a file that has other users, or has them in another order', () => {
    expect(createLikely(met(60, []), lastUserId).next(100)).toEqual([])
    expect(createLikely(met(1000, [], 700), lastUserId).next(100)).toEqual([])
    const present = userSet(lastUserId)
    for (let id = 1; id <= lastUserId; id += 3) mark(present, id)
    expect(createLikely(present, lastUserId).next(100)).toEqual([])
  })
})
