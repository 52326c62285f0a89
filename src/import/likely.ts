import { has } from './user-set.ts'

// A read of the set costs nothing for so many; a changed row is never farther behind.
const stretch = 128

/**
 * Users of whose neighbours most have been met, but they have not: in a file that has the users in the order in which
 * they came into the directory, those of the changed rows.
 */
export function createLikely(present: Uint8Array, lastUserId: number) {
  const bytesOf = stretch / 8
  let at = 0

  const met = (from: number): number => {
    let count = 0
    for (let byte = from; byte < from + bytesOf; byte += 1) {
      for (let bits = present[byte] ?? 0; bits !== 0; bits &= bits - 1) count += 1
    }
    return count
  }

  return {
    /** Those passed by since the last call; none where they are more than `most`. */
    next(most: number): number[] {
      const found: number[] = []
      // The file is in the stretch behind.
      while (at < present.length && met(at + bytesOf) * 2 >= stretch) {
        if (met(at) * 2 >= stretch) {
          const [first, last] = [at * 8, Math.min(lastUserId, at * 8 + stretch - 1)]
          for (let id = Math.max(1, first); id <= last; id += 1) {
            if (!has(present, id) && found.length <= most) found.push(id)
          }
        }
        at += bytesOf
      }
      return found.length > most ? [] : found
    },
  }
}
