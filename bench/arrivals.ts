import { parseArgs } from 'node:util'

/** What one import costs, in seconds of one core; measured by `npm run bench -- scale`. */
interface Costs {
  perFile: number
  perThousandRows: number
  /** Beside what all rows cost; that one of a hundred has changed is in there. */
  perThousandChangedRows: number
}

/** The same numbers for the same seed: mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const night = 6 * 3600
/** Half of all schedulers say midnight; their clocks and queues spread it over two minutes. */
const atMidnight = 0.5
const burstSeconds = 120
/** Rows of a client's file: half below 2,000, one in a hundred above 100,000. */
const medianRows = 2_000
const spread = 1.7
const mostRows = 5_000_000
const changedShare = 0.01

interface File {
  at: number
  seconds: number
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** One file a client and night. */
function arrivals(clients: number, costs: Costs): File[] {
  const next = random(20261124)
  const files = Array.from({ length: clients }, (): File => {
    const at = next() < atMidnight ? next() * burstSeconds : next() * night
    const rows = Math.min(mostRows, Math.round(medianRows * Math.exp(spread * normal(next))))
    const seconds =
      costs.perFile +
      (rows / 1000) * costs.perThousandRows +
      ((rows * changedShare) / 1000) * costs.perThousandChangedRows
    return { at, seconds }
  })
  return files.sort((a, b) => a.at - b.at)
}

/** Seconds from arrival to outcome, when `cores` take files in the order of their arrival. */
function waits(files: readonly File[], cores: number): number[] {
  // A heap of the times at which cores are free.
  const free = new Float64Array(cores)
  const sink = (): void => {
    let at = 0
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < cores && (free[left] ?? 0) < (free[least] ?? 0)) least = left
      if (right < cores && (free[right] ?? 0) < (free[least] ?? 0)) least = right
      if (least === at) return
      const kept = free[at] ?? 0
      free[at] = free[least] ?? 0
      free[least] = kept
      at = least
    }
  }
  return files.map(({ at, seconds }) => {
    const end = Math.max(at, free[0] ?? 0) + seconds
    free[0] = end
    sink()
    return end - at
  })
}

const share = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}

/** `npm run bench -- arrivals`: how many cores keep up with the night's files of so many clients. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      'per-file': { type: 'string', default: '0.16' },
      'per-thousand-rows': { type: 'string', default: '0.006' },
      'per-thousand-changed-rows': { type: 'string', default: '0' },
      'within-minutes': { type: 'string', default: '15' },
    },
  })
  const costs: Costs = {
    perFile: Number(values['per-file']),
    perThousandRows: Number(values['per-thousand-rows']),
    perThousandChangedRows: Number(values['per-thousand-changed-rows']),
  }
  const goal = Number(values['within-minutes']) * 60
  console.log(
    `A file costs ${costs.perFile} s of one core, and ${costs.perThousandRows} s for 1,000 rows and ${costs.perThousandChangedRows} s for 1,000 changed ones; half arrive within ${burstSeconds} s`,
  )
  for (const clients of [100, 10_000, 1_000_000]) {
    const files = arrivals(clients, costs)
    const total = files.reduce((sum, { seconds }) => sum + seconds, 0)
    let cores = 1
    let sorted: number[] = []
    for (;;) {
      sorted = waits(files, cores).sort((a, b) => a - b)
      if (share(sorted, 0.99) <= goal) break
      cores = Math.max(cores + 1, Math.ceil(cores * 1.1))
    }
    console.log(
      `${clients.toLocaleString('en')} clients: ${(total / 3600).toFixed(2)} core hours a night; ${cores} ${cores === 1 ? 'core' : 'cores'} have 99 of 100 files done within ${minutes(share(sorted, 0.99))} of their arrival, half within ${minutes(share(sorted, 0.5))}, the last within ${minutes(sorted.at(-1) ?? 0)}`,
    )
  }
}
