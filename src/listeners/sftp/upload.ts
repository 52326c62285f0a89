import type { DropSession, DropUpload } from '../../domain/drop.ts'
import { AppError } from '../../domain/error.ts'
import { spend } from './frames.ts'
import { statusCode, StatusError } from './wire.ts'

/**
 * Neighbouring WRITEs go to the disk together, up to this much: the trip through the thread pool costs more
 * than copying does, and 255 KiB is what OpenSSH puts into one WRITE.
 */
const maxBatchBytes = 512 * 1024

/** Called once for each WRITE: with nothing when its bytes are on their way to the disk. */
export type WriteAnswer = (error?: unknown) => void

interface Batch {
  position: number
  bytes: number
  pieces: Buffer[]
  answers: WriteAnswer[]
}

/** A file handle that is written to. */
export interface UploadHandle {
  readonly kind: 'upload'
  readonly path: string
  /** Opened with READ as well (draft section 6.3). */
  readonly reads: boolean
  write(offset: number, pieces: Buffer[], answer: WriteAnswer): void
  /** What every WRITE so far has left there; no bytes behind the end. */
  read(position: number, length: number): Promise<Uint8Array>
  /** Resolves when every WRITE so far has been answered. */
  settled(): Promise<void>
  size(): Promise<number>
  truncate(size: number): Promise<void>
  sync(): Promise<void>
  /** Kept until commit, because the commit sets the time. */
  setModifiedAt(modifiedAt: number): void
  /** The commit rule of SFTP: CLOSE on a living channel. Throws what went wrong; the upload is cut then. */
  commit(): Promise<void>
  cut(reason: string): Promise<void>
}

export interface UploadHandleOptions {
  session: DropSession
  path: string
  /**
   * The opened upload; undefined for a handle opened without TRUNC on bytes that are there: the first
   * offset written says where to resume.
   */
  upload: DropUpload | undefined
  /** WRITE offsets do not count: the bytes go to the end. */
  appends: boolean
  reads: boolean
}

/** Wraps an upload so that WRITEs are pipelined, in order, and answered when written. */
export function createUploadHandle(options: UploadHandleOptions): UploadHandle {
  const { session, path, appends, reads } = options
  let upload = options.upload
  let end = upload?.size ?? 0
  let modifiedAt: number | undefined
  let failure: { error: unknown } | undefined
  const batches: Batch[] = []
  let run: Promise<void> | undefined
  let scratch: Buffer | undefined

  function merged(batch: Batch): Buffer {
    const [first] = batch.pieces
    if (first !== undefined && batch.pieces.length === 1) return first
    // Reused: a new half megabyte a batch would cost its page faults each time.
    if (scratch === undefined || scratch.length < batch.bytes) {
      scratch = Buffer.allocUnsafe(Math.max(batch.bytes, Math.min(maxBatchBytes, batch.bytes * 2)))
    }
    let position = 0
    for (const piece of batch.pieces) {
      scratch.set(piece, position)
      position += piece.length
      spend(piece)
    }
    batch.pieces = []
    return scratch.subarray(0, position)
  }

  async function opened(offset: number): Promise<DropUpload> {
    upload ??= await session.openWrite(path, { disposition: 'resume', offset })
    return upload
  }

  async function writeBatches(): Promise<void> {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      try {
        if (failure !== undefined) throw failure.error
        const open = upload ?? (await opened(batch.position))
        await open.write(batch.position, merged(batch))
        for (const piece of batch.pieces) spend(piece)
        for (const answer of batch.answers) answer()
      } catch (error) {
        // A client may CLOSE after a refused WRITE as if nothing were wrong; what has a hole is never committed.
        failure ??= { error }
        for (const answer of batch.answers) answer(error)
      }
    }
    run = undefined
  }

  async function settled(): Promise<void> {
    if (run === undefined) return
    await run
    await settled()
  }

  return {
    kind: 'upload',
    path,
    write(offset, pieces, answer) {
      let bytes = 0
      for (const piece of pieces) bytes += piece.length
      const position = appends ? end : offset
      end = appends ? end + bytes : Math.max(end, offset + bytes)
      const last = batches.at(-1)
      if (
        last !== undefined &&
        last.position + last.bytes === position &&
        last.bytes + bytes <= maxBatchBytes
      ) {
        last.bytes += bytes
        last.pieces.push(...pieces)
        last.answers.push(answer)
      } else {
        batches.push({ position, bytes, pieces: [...pieces], answers: [answer] })
      }
      // From the next turn on: it must not be over before it is known to run.
      run ??= Promise.resolve().then(writeBatches)
    },
    reads,
    async read(position, length) {
      await settled()
      if (upload !== undefined) return upload.read(position, length)
      // Nothing has been written: the bytes that are there.
      const reader = await session.openRead(path)
      try {
        return await reader.read(position, length)
      } finally {
        await reader.close()
      }
    },
    settled,
    async size() {
      await settled()
      return upload === undefined ? (await session.stat(path)).size : upload.size
    },
    async truncate(size) {
      await settled()
      await (await opened(size)).truncate(size)
      end = size
    },
    async sync() {
      await settled()
      if (failure !== undefined) throw failure.error
      await upload?.sync()
    },
    setModifiedAt(value) {
      modifiedAt = value
    },
    async commit() {
      await settled()
      if (failure !== undefined) {
        await upload?.cut('a write failed')
        throw new StatusError(
          statusCode.failure,
          `Cannot store "${path}": a write before failed, the whole upload is needed again`,
        )
      }
      try {
        // Opened to resume and nothing written: the bytes that are there stay as they are.
        await upload?.commit()
      } catch (error) {
        await upload?.cut('the commit failed')
        throw error
      }
      if (modifiedAt !== undefined) {
        // An import may have taken the file already; its time is of no use to anyone then.
        await session.touch(path, modifiedAt).catch(() => undefined)
      }
    },
    async cut(reason) {
      // What has not been answered is not kept: a slow disk must not hold the end up.
      const dropped = new AppError('unavailable', `Cannot write "${path}": the upload has been cut`)
      failure ??= { error: dropped }
      for (const batch of batches.splice(0)) for (const answer of batch.answers) answer(dropped)
      await settled()
      await upload?.cut(reason)
    },
  }
}
