import type { DropUpload } from '../../domain/drop.ts'
import type { FtpsLimits } from './limits.ts'

/** Chunks of an upload on their way to the disk. */
export interface Batches {
  /** Takes a chunk; it is copied, and may be used again at once. */
  push(chunk: Uint8Array): void
  /** Resolves when everything is written; throws what the first write threw. */
  finish(): Promise<void>
}

/**
 * Gathers chunks and writes them in large batches, from `position` on, one after the other.
 *
 * The buffers are used again: garbage of the size of the upload would keep the collector as busy as the cipher. `hold`
 * is called with true while too much is on its way, and with false when more may come.
 */
export function createBatches(
  upload: Pick<DropUpload, 'write'>,
  options: {
    position: number
    limits: Pick<FtpsLimits, 'batchBytes' | 'inFlightBytes'>
    hold: (held: boolean) => void
    onFailure: () => void
  },
): Batches {
  const { limits, hold, onFailure } = options
  const free: Buffer[] = []
  let { position } = options
  let inFlight = 0
  let batch: Buffer | undefined
  let filled = 0
  let writing = 0
  let tail: Promise<void> = Promise.resolve()
  let failure: { error: unknown } | undefined

  function flush(): void {
    if (batch === undefined || filled === 0) return
    const [whole, bytes, offset] = [batch, batch.subarray(0, filled), position]
    position += filled
    batch = undefined
    filled = 0
    writing += 1
    tail = tail.then(async () => {
      try {
        if (failure === undefined) await upload.write(offset, bytes)
      } catch (error) {
        failure = { error }
        onFailure()
      }
      free.push(whole)
      inFlight -= bytes.length
      writing -= 1
      if (inFlight < limits.inFlightBytes) hold(false)
      else if (writing === 0) flush()
    })
  }

  return {
    push(chunk) {
      inFlight += chunk.length
      for (let done = 0; done < chunk.length;) {
        batch ??= free.pop() ?? Buffer.allocUnsafeSlow(limits.batchBytes)
        const part = chunk.subarray(done, done + batch.length - filled)
        batch.set(part, filled)
        filled += part.length
        done += part.length
        if (filled === batch.length) flush()
      }
      if (inFlight >= limits.inFlightBytes) {
        // Behind a write under way it becomes larger: many small ones take longer.
        if (writing === 0) flush()
        hold(true)
      }
    },
    async finish() {
      flush()
      await tail
      if (failure !== undefined) throw failure.error
    },
  }
}
