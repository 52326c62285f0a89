import { randomUUID } from 'node:crypto'
import type { Bucket } from './s3-bucket.ts'

/** Where hidden objects are: `.staging/<process>/up/<upload>/<target>` and `.staging/<process>/open/<reader>`. */
export const stagingFolder = '.staging'
const defaultLeaseMs = 60_000
/** A living process renews its lease so often within it: two answers may be lost. */
const renewals = 4

/** A process's claim to its hidden objects: an object that is written anew for as long as there are any. */
export interface Lease {
  /** Name of this process. */
  readonly process: string
  /** A process that has not renewed its lease for so long, by the server's clock, is dead. */
  readonly leaseMs: number
  /** Resolves to a fresh key for bytes that become `target`, once the lease is in the bucket. */
  hold(target: string): Promise<string>
  /** The same for a file that has lost its name while it is open. */
  holdOpen(): Promise<string>
  /** The key is not used any more. */
  release(key: string): void
  holds(key: string): boolean
  close(): Promise<void>
}

/** The key of a process's lease. */
export function leaseKey(process: string): string {
  return `${stagingFolder}/${process}/lease`
}

/** The lease of this process; nothing is in the bucket until it is held. */
export function createLease(bucket: Bucket, leaseMs = defaultLeaseMs): Lease {
  const process = randomUUID()
  const held = new Set<string>()
  let renewal: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => bucket.put(leaseKey(process), new Uint8Array(0))

  function renew(): void {
    // Unused ones go with the next renewal: an upload a second would otherwise write one each second.
    last = last
      .then(() => (held.size > 0 ? write() : stop()))
      // Told by the uploads themselves, when the bucket does not answer.
      .catch(() => undefined)
  }

  async function stop(): Promise<void> {
    clearInterval(renewal)
    renewal = undefined
    await bucket.remove(leaseKey(process))
  }

  async function hold(key: string): Promise<string> {
    held.add(key)
    last = last
      .catch(() => undefined)
      .then(async () => {
        if (renewal !== undefined) return
        await write()
        renewal = setInterval(renew, leaseMs / renewals)
        renewal.unref()
      })
    try {
      await last
    } catch (error) {
      held.delete(key)
      throw error
    }
    return key
  }

  return {
    process,
    leaseMs,
    hold: (target) => hold(`${stagingFolder}/${process}/up/${randomUUID()}/${target}`),
    holdOpen: () => hold(`${stagingFolder}/${process}/open/${randomUUID()}`),
    release: (key) => void held.delete(key),
    holds: (key) => held.has(key),
    async close() {
      await last.catch(() => undefined)
      if (renewal !== undefined && held.size === 0) await stop().catch(() => undefined)
      clearInterval(renewal)
    },
  }
}
