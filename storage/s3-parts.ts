import { AppError } from '../src/domain/error.ts'
import type { Bucket, BucketObject } from './s3-bucket.ts'
import type { Buffers } from './s3-buffers.ts'
import type { Multipart } from './s3-multipart.ts'
import { partBytes } from './s3-spool.ts'
import type { Spool } from './s3-spool.ts'

/** The parts of one upload on their way from its spool to the bucket. */
export interface Parts {
  /** Bytes that are sealed: sent, or being sent. */
  readonly sealed: number
  /** Sends every part that is full. */
  flow(): Promise<void>
  /** Resolves when a part that is under way has been sent or has failed. */
  progress(): Promise<void>
  /** Sends all that is in the spool, what had failed before included; throws when it cannot. */
  finish(): Promise<void>
  /** The sum of what has been sent becomes the object `upload.key`. */
  complete(): Promise<void>
}

export interface PartsOptions {
  bucket: Bucket
  buffers: Buffers
  spool: Spool
  upload: Multipart
  /** Its first bytes come before the spool's, in whole parts. */
  base: { object: BucketObject; bytes: number } | undefined
}

/** Parts at once while the first bytes are taken from another object: small requests that only wait. */
const copiesAtOnce = 4

/** Starts the parts of `upload`; the first ones are copied from `base`. */
export async function createParts(options: PartsOptions): Promise<Parts> {
  const { bucket, buffers, spool, upload, base } = options
  const sent = new Map<number, string>()
  const going = new Map<number, Promise<void>>()
  const failures = new Map<number, { error: unknown; length: number }>()
  let sealed = base?.bytes ?? 0

  async function send(number: number, length: number): Promise<void> {
    const start = (number - 1) * partBytes
    try {
      await buffers.lend(async (buffer) => {
        const body = buffer.subarray(0, length)
        await spool.read(start, body)
        sent.set(number, await bucket.sendPart(upload, number, body))
      })
      failures.delete(number)
      let first = 1
      while (sent.has(first)) first += 1
      spool.release((first - 1) * partBytes)
    } catch (error) {
      failures.set(number, { error, length })
    } finally {
      going.delete(number)
    }
  }

  function start(number: number, length: number): void {
    sealed = Math.max(sealed, (number - 1) * partBytes + length)
    spool.seal(sealed)
    going.set(number, send(number, length))
  }

  function thrown(): void {
    const [failure] = failures.values()
    if (failure !== undefined) throw failure.error
  }

  async function settled(): Promise<void> {
    await Promise.all(going.values())
  }

  const copies = Array.from({ length: (base?.bytes ?? 0) / partBytes }, (_, index) => index + 1)
  async function copyNext(): Promise<void> {
    const number = copies.shift()
    if (number === undefined || base === undefined) return
    const { key, etag } = base.object
    const range = { key, etag, start: (number - 1) * partBytes, end: number * partBytes }
    sent.set(number, await bucket.copyPart(upload, number, range))
    await copyNext()
  }
  await Promise.all(Array.from({ length: copiesAtOnce }, copyNext))

  return {
    get sealed() {
      return sealed
    },
    async flow() {
      thrown()
      while (spool.end - sealed >= partBytes) start(sealed / partBytes + 1, partBytes)
    },
    async progress() {
      thrown()
      if (going.size === 0) throw new Error('No part is under way')
      await Promise.race(going.values())
      thrown()
    },
    async finish() {
      await settled()
      for (const [number, { length }] of failures) start(number, length)
      while (spool.end > sealed) {
        start(sealed / partBytes + 1, Math.min(partBytes, spool.end - sealed))
      }
      await settled()
      thrown()
    },
    async complete() {
      const parts = [...sent]
        .map(([number, etag]) => ({ number, etag }))
        .toSorted((a, b) => a.number - b.number)
      if (await bucket.complete(upload, parts)) return
      // The answer to an earlier try was lost, or someone has taken this process for dead and completed it.
      const done = await bucket.head(upload.key)
      if (done?.size === sealed) return
      throw new AppError(
        'unavailable',
        'Cannot store a file: the upload was given up, it is needed again',
      )
    },
  }
}
