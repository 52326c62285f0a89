import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** The middle of `values`; of an even number, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new Error('Cannot take the median of nothing')
  return middle
}

/** Writes out what is in memory for the disk: whoever syncs would else wait for what the side before has left. */
export function emptyDisk(): void {
  spawnSync('sync')
}

/** One line that says what the figures were measured on. */
export function machine(): string {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  const runtime = `Node ${process.versions.node}`
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${gibibytes} GiB, ${runtime}`
}
