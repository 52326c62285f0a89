import type { StoredFile } from '../src/domain/storage.ts'
import type { Bucket } from './s3-bucket.ts'
import { leaseKey, stagingFolder } from './s3-lease.ts'
import type { Lease } from './s3-lease.ts'

/** Whether a process's lease has run out, by the server's own clock: no two machines need the same time. */
async function isDead(
  bucket: Bucket,
  { process, now, leaseMs }: { process: string; now: number; leaseMs: number },
): Promise<boolean> {
  const lease = await bucket.head(leaseKey(process))
  return lease === undefined || now - lease.modifiedAt > leaseMs
}

/** The server's time. */
async function serverTime(bucket: Bucket): Promise<number> {
  const key = `${stagingFolder}/clock`
  await bucket.put(key, new Uint8Array(0))
  return (await bucket.head(key))?.modifiedAt ?? 0
}

interface Left {
  process: string
  kind: string
  target: string
}

function leftAt(key: string): Left {
  const [, process = '', kind = '', , ...target] = key.split('/')
  return { process, kind, target: target.join('/') }
}

/**
 * Publishes or drops what dead processes had staged, and what this one could not drop when the bucket did not answer.
 *
 * Safe with any number of processes on the bucket, and with several that do this at once: completing, copying and
 * removing can each be repeated.
 */
export async function recoverStaged(
  bucket: Bucket,
  lease: Lease,
  keepAt: (target: string) => string | undefined,
): Promise<StoredFile[]> {
  const now = await serverTime(bucket)
  const verdicts = new Map<string, Promise<boolean>>()

  async function abandoned(key: string): Promise<boolean> {
    const { process } = leftAt(key)
    if (process === lease.process) return !lease.holds(key)
    const verdict =
      verdicts.get(process) ?? isDead(bucket, { process, now, leaseMs: lease.leaseMs })
    verdicts.set(process, verdict)
    return verdict
  }

  // An upload is found before its lease is looked at: one that is not there any more has ended in between.
  for await (const upload of bucket.uploads(`${stagingFolder}/`)) {
    if (!(await abandoned(upload.key))) continue
    const parts = await bucket.parts(upload)
    const { process, target } = leftAt(upload.key)
    const wanted = parts.length > 0 && process !== lease.process && keepAt(target) !== undefined
    const inOrder = parts.findIndex(({ number }, index) => number !== index + 1)
    const whole = inOrder === -1 ? parts : parts.slice(0, inOrder)
    if (!wanted || whole.length === 0 || !(await bucket.complete(upload, whole))) {
      await bucket.drop(upload)
    }
  }

  const kept: StoredFile[] = []
  const ended: string[] = []
  for await (const { key, size, modifiedAt } of bucket.list(`${stagingFolder}/`, { deep: true })) {
    const { process, kind, target } = leftAt(key)
    if (process === 'clock' || !(await abandoned(key))) continue
    if (kind === 'lease') {
      // Last, so that another process that is at this too does not take it for alive.
      if (process !== lease.process) ended.push(key)
      continue
    }
    const path = kind === 'up' && process !== lease.process ? keepAt(target) : undefined
    if (path !== undefined && (await copied(bucket, key, path)))
      kept.push({ path, size, modifiedAt })
    await bucket.remove(key)
  }
  for (const key of ended) await bucket.remove(key)
  return kept
}

/** False when another process has been quicker. */
async function copied(bucket: Bucket, from: string, to: string): Promise<boolean> {
  if ((await bucket.head(from)) === undefined) return false
  await bucket.copy(from, to)
  return true
}
