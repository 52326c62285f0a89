import { AppError } from '../src/domain/error.ts'
import type { Run } from '../src/domain/run.ts'
import type { RunStore } from '../src/domain/state.ts'

// The store is asked this often: a look-up by id takes microseconds, and any process may have changed the run.
const pollMs = 250
// Each holds a connection and a timer.
const maxWaiting = 1_000

/** Waits for changes of runs. */
export interface Watch {
  /**
   * The run as soon as its version is not `version`; undefined after `forMs`, or when `signal` says so.
   * Throws `too_many` when too many wait.
   */
  change(
    id: string,
    version: number,
    options: { forMs: number; signal: AbortSignal },
  ): Promise<Run | undefined>
}

/** A watch on `runs`. */
export function createWatch(runs: Pick<RunStore, 'get'>): Watch {
  let waiting = 0
  return {
    async change(id, version, { forMs, signal }) {
      if (waiting >= maxWaiting) {
        throw new AppError(
          'too_many',
          `Cannot wait: ${maxWaiting} others wait already, ask again without waiting`,
        )
      }
      waiting += 1
      try {
        const end = performance.now() + forMs
        while (!signal.aborted) {
          const run = await runs.get(id)
          if (run === undefined || run.version !== version) return run
          const left = end - performance.now()
          if (left <= 0) return undefined
          await pause(Math.min(pollMs, left), signal)
        }
        return undefined
      } finally {
        waiting -= 1
      }
    },
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
