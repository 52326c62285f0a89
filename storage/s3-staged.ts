import { AppError } from '../src/domain/error.ts'
import type { StagedFile, StoredFile } from '../src/domain/storage.ts'
import type { Bucket, BucketObject } from './s3-bucket.ts'
import type { Buffers } from './s3-buffers.ts'
import type { Lease } from './s3-lease.ts'
import type { Multipart } from './s3-multipart.ts'
import { createParts } from './s3-parts.ts'
import type { Parts } from './s3-parts.ts'
import { partBytes } from './s3-spool.ts'
import type { Spool, Spools } from './s3-spool.ts'

export interface StageOptions {
  bucket: Bucket
  buffers: Buffers
  lease: Lease
  spools: Spools
  target: string
  /** The object whose bytes it begins with. */
  from: BucketObject | undefined
  /** Called with a path just before another file takes it. */
  leaving: (path: string) => Promise<void>
}

/** One write is put into the spool in pieces of this size. */
const pieceBytes = 2 ** 20

/**
 * Bytes on their way into the bucket: a small file is one PUT, a larger one a multipart upload at a hidden key that is
 * copied to its name at the end, because S3 cannot complete an upload under another name than it began with.
 */
export function stageObject(options: StageOptions): StagedFile {
  const { bucket, buffers, lease, target, from, leaving } = options
  let baseSize = from?.size ?? 0
  // Where a truncate has set the end behind all bytes: a hole, which reads as zeros.
  let hole = 0
  let begun: Promise<Spool> | undefined
  let spool: Spool | undefined
  let upload: Multipart | undefined
  let parts: Parts | undefined
  let completed = false
  let last: Promise<unknown> = Promise.resolve()

  const size = (): number => Math.max(spool?.size ?? baseSize, hole)

  /** One after the other, in the order of the calls. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work)
    last = result.catch(() => undefined)
    return result
  }

  async function multipart(opened: Spool, base?: { object: BucketObject; bytes: number }) {
    upload ??= await bucket.begin(await lease.hold(target))
    parts ??= await createParts({ bucket, buffers, spool: opened, upload, base })
    return parts
  }

  async function begin(): Promise<Spool> {
    const whole = baseSize > partBytes ? baseSize - (baseSize % partBytes) : 0
    const opened = await options.spools.open(whole)
    try {
      if (from !== undefined) {
        if (whole > 0) await multipart(opened, { object: from, bytes: whole })
        for (let position = whole; position < baseSize;) {
          const length = Math.min(pieceBytes, baseSize - position)
          const { bytes } = await bucket.get(from.key, { position, length, etag: from.etag })
          if (bytes.length === 0) throw new AppError('conflict', 'Cannot resume: the file has gone')
          await opened.write(position, bytes)
          position += bytes.length
        }
      }
    } catch (error) {
      await opened.close()
      throw error
    }
    spool = opened
    return opened
  }

  const started = (): Promise<Spool> => (begun ??= begin())

  async function put(position: number, bytes: Uint8Array): Promise<void> {
    const opened = await started()
    for (let done = 0; done < bytes.length; done += pieceBytes) {
      const piece = bytes.subarray(done, done + pieceBytes)
      while (opened.full(position + done, piece.length)) await parts?.progress()
      await opened.write(position + done, piece)
      if (opened.end > partBytes) await (await multipart(opened)).flow()
    }
  }

  async function fillHoles(opened: Spool): Promise<void> {
    const end = size()
    while (opened.end < end) {
      while (opened.full(opened.end, pieceBytes)) await parts?.progress()
      await opened.fill(end)
      if (opened.end > partBytes) await (await multipart(opened)).flow()
    }
  }

  async function publish(path: string, overwrite: boolean): Promise<StoredFile> {
    const opened = await started()
    await fillHoles(opened)
    const stored = { path, size: size(), modifiedAt: Math.floor(Date.now() / 1_000) * 1_000 }
    await parts?.finish()
    if (!overwrite && (await bucket.head(path)) !== undefined) {
      throw new AppError('exists', `Cannot store "${path}": there is one of this name`)
    }
    await leaving(path)
    if (parts === undefined || upload === undefined) {
      await buffers.lend(async (buffer) => {
        const body = buffer.subarray(0, opened.end)
        await opened.read(0, body)
        await bucket.put(path, body, { fresh: !overwrite })
      })
    } else {
      if (!completed) await parts.complete()
      completed = true
      await bucket.copy(upload.key, path)
    }
    await clear(opened)
    if (from !== undefined && from.key !== path && from.key !== target) {
      await leaving(from.key)
      await bucket.remove(from.key)
    }
    return stored
  }

  /** What is left over does no harm: it is swept as a dead process's would be. */
  async function clear(opened: Spool | undefined): Promise<void> {
    await opened?.close().catch(() => undefined)
    if (upload === undefined) return
    const { key } = upload
    await (completed ? bucket.remove(key) : bucket.drop(upload)).catch(() => undefined)
    lease.release(key)
  }

  return {
    get size() {
      return size()
    },
    write: (position, bytes) => inTurn(() => put(position, bytes)),
    truncate: (to) =>
      inTurn(async () => {
        if (begun === undefined && to <= baseSize) {
          baseSize = to
          return
        }
        const opened = await started()
        const sealed = parts?.sealed ?? 0
        if (to < sealed) {
          throw new AppError(
            'unsupported',
            `Cannot cut the upload to ${to} bytes: ${sealed} are in the bucket already, begin again`,
          )
        }
        opened.cut(to)
        hole = to
      }),
    sync: () =>
      inTurn(async () => {
        await started()
      }),
    commit: ({ overwrite = true, beside } = {}) =>
      inTurn(async () => {
        const stored = await publish(target, overwrite)
        await beside?.()
        return stored
      }),
    keep: (path) => inTurn(() => publish(path, true)),
    abort: () =>
      inTurn(async () => {
        // A part that is under way would come back to life behind the drop.
        await parts?.finish().catch(() => undefined)
        await clear(spool)
      }),
  }
}
