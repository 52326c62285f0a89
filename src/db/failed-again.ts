import type { FailedBefore } from '../domain/directory.ts'

/** Runs between two of the same kind: a corrected report dropped, a file of one department. */
export const lateRuns = 8
/** 16 bytes each in the sieve; of a file in which more fail the others are checked again. */
export const mostFailedBefore = 2 ** 18

/** Of the records that failed before, in their order: their hashes, and their codes as they are stored, `;9003;9107;`. */
export function failedBefore(hashes: readonly number[], stored: readonly string[]): FailedBefore {
  const known = new Map<string, readonly number[]>()
  const codes = stored.map((list) => {
    const numbers = known.get(list) ?? list.slice(1, -1).split(';').map(Number)
    known.set(list, numbers)
    return numbers
  })
  return { hashes, codes: (index) => codes[index - 1] ?? [] }
}

/** Records that failed before and follow each other as they did then: kept by one statement. */
export interface FailedAgain {
  /** Their lines in the earlier run. */
  first: number
  last: number
  /** Lines that they have moved by since. */
  moved: number
}

/** Gathers records that fail again, each by its place among those that failed before, from 1, into ranges. */
export function createFailedAgain(keep: (range: FailedAgain) => void) {
  let lines: Uint32Array = new Uint32Array(0)
  let [first, last, moved] = [0, 0, 0]

  const lineOf = (index: number): number => lines[index - 1] ?? 0

  function end(): void {
    if (last > 0) keep({ first: lineOf(first), last: lineOf(last), moved })
    last = 0
  }

  return {
    /** Lines of those that failed before, in their order. */
    know(before: readonly number[]): void {
      lines = Uint32Array.from(before)
    },
    lineOf,
    add(line: number, index: number): void {
      if (last === 0 || index !== last + 1 || line - lineOf(index) !== moved) {
        end()
        first = index
        moved = line - lineOf(index)
      }
      last = index
    },
    /** The range at hand is kept as it is. */
    end,
  }
}
