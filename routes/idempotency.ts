import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import { newId } from '../src/domain/id.ts'
import type { Run } from '../src/domain/run.ts'
import type { IdempotencyStore, RunStore } from '../src/domain/state.ts'

/** How long a key is remembered; a client that retries later is not retrying any more. */
const keptMs = 24 * 60 * 60 * 1000
// A UUID has 36 characters.
const maxKeyLength = 255

interface Use {
  tenantId: string
  /** The header as it came; undefined: none. */
  key: string | undefined
  /** What is asked for, beside the body. */
  fingerprint: string
  /** Whether the body is that of the run that the key has led to; only a key's second use asks. */
  isSame: (run: Run) => Promise<boolean>
}

/**
 * Makes a run once for each `Idempotency-Key`; a second use of a key answers the run of the first.
 *
 * The run's id is kept with the key before the first byte is read, so that a kill at any point leaves either
 * a run that the next try finds, or none, and then the next try makes it. Throws `invalid` for a key of another
 * request, `conflict` while its first use goes on.
 */
export function createOnce(options: {
  keys: IdempotencyStore
  runs: Pick<RunStore, 'get'>
  clock: Clock
}) {
  const { keys, runs, clock } = options
  const underWay = new Set<string>()

  return async function once(
    { tenantId, key, fingerprint, isSame }: Use,
    make: (runId: string) => Promise<Run>,
  ): Promise<{ run: Run; replayed: boolean }> {
    const runId = newId('run', clock)
    if (key === undefined) return { run: await make(runId), replayed: false }
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > maxKeyLength) {
      throw new AppError(
        'invalid',
        `Cannot use the Idempotency-Key: 1 to ${maxKeyLength} visible ASCII characters are needed, such as a UUID`,
      )
    }
    const place = `${tenantId} ${key}`
    if (underWay.has(place)) {
      throw new AppError(
        'conflict',
        'Cannot import: the first request with this Idempotency-Key is still under way, wait for its answer',
      )
    }
    underWay.add(place)
    try {
      const now = clock.now()
      const record = { tenantId, key, fingerprint, runId, createdAt: now }
      const kept = await keys.reserve(record, now - keptMs)
      if (kept.fingerprint !== fingerprint) {
        throw usedOtherwise()
      }
      const made = kept.runId === runId ? undefined : await runs.get(kept.runId)
      if (made !== undefined) {
        if (!(await isSame(made))) throw usedOtherwise()
        return { run: made, replayed: true }
      }
      const run = await make(kept.runId).catch(async (error: unknown) => {
        if ((await runs.get(kept.runId)) === undefined) await keys.release(tenantId, key)
        throw error
      })
      if (run.id !== kept.runId) await keys.assign(tenantId, key, run.id)
      return { run, replayed: false }
    } finally {
      underWay.delete(place)
    }
  }
}

function usedOtherwise(): AppError {
  return new AppError(
    'invalid',
    'Cannot use the Idempotency-Key: it was used for another request or file within 24 hours, a new key is needed',
  )
}
