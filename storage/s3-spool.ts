import { randomUUID } from 'node:crypto'
import { mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../src/domain/error.ts'
import { explained } from './local-problem.ts'
import { createExtents } from './s3-extents.ts'

/** S3 takes no smaller part but the last; R2 wants all of them alike. */
export const partBytes = 5 * 2 ** 20
/** How far ahead of the bytes in order a write may be (spec/transfer.md 7). */
const windowBytes = 8 * 2 ** 20
/** Parts that one upload may have under way while more comes in. */
const partsAhead = 3
// A file that is written round and round. A whole number of parts, so that none goes over its end.
const ringBytes = partBytes * (partsAhead + Math.ceil(windowBytes / partBytes) + 1)

/** Bytes between a client and the bucket: on this machine's disk, so that no number of slow clients fills the memory. */
export interface Spool {
  /** Bytes in order from the first on. */
  readonly end: number
  /** End of the last byte written, behind a gap or not. */
  readonly size: number
  /** True when a write of `length` bytes at `position` must wait until `release` makes room. */
  full(position: number, length: number): boolean
  /** Throws AppError `unsupported` outside of the window, `out_of_space` when the disk is full. */
  write(position: number, bytes: Uint8Array): Promise<void>
  read(position: number, into: Uint8Array): Promise<void>
  /** Writes some zeros at the end of the bytes in order, where nothing has come yet before `size`. */
  fill(size: number): Promise<void>
  /** Forgets what is behind `size`, which is not below what has been sealed. */
  cut(size: number): void
  /** Bytes before `position` are on their way to the bucket: they cannot be written again. */
  seal(position: number): void
  /** Bytes before `position` are in the bucket. */
  release(position: number): void
  close(): Promise<void>
}

const failed = (error: unknown): never => {
  throw explained(error, 'Cannot store the upload')
}

/** The spools of a store. */
export interface Spools {
  /** A spool whose first byte is at `begin` of the upload. */
  open(begin: number): Promise<Spool>
  /** Closes what is open still. */
  close(): Promise<void>
}

/** Spools in `folder`. */
export function createSpools(folder: string): Spools {
  const opened = new Set<Spool>()
  return {
    async open(begin) {
      const spool = await openSpool(folder, begin, () => opened.delete(spool))
      opened.add(spool)
      return spool
    },
    async close() {
      await Promise.all([...opened].map((spool) => spool.close()))
    },
  }
}

async function openSpool(folder: string, begin: number, onClose: () => void): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(failed)
  const path = join(folder, randomUUID())
  const handle = await open(path, 'wx+', 0o600).catch(failed)
  // Without a name it is gone with the process, however that ends.
  await unlink(path).catch(failed)
  const extents = createExtents(begin)
  let released = begin
  let sealed = begin
  let closed = false

  /** Does `step` for the stretches of the ring that the bytes from `position` on lie in. */
  async function stretches(
    position: number,
    bytes: Uint8Array,
    step: (piece: Uint8Array, offset: number) => Promise<number>,
  ): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const offset = (position + done) % ringBytes
      const piece = bytes.subarray(done, done + ringBytes - offset)
      const moved = await step(piece, offset).catch(failed)
      if (moved === 0)
        throw new AppError('unavailable', 'Cannot store the upload: the disk lost bytes')
      done += moved
    }
  }

  async function write(position: number, bytes: Uint8Array): Promise<void> {
    if (position < sealed) {
      throw new AppError(
        'unsupported',
        `Cannot write at byte ${position}: what is before ${sealed} is in the bucket already, write in order`,
      )
    }
    if (position + bytes.length > extents.end + windowBytes) {
      throw new AppError(
        'unsupported',
        `Cannot write at byte ${position}: ${extents.end} bytes have come in order and at most ${windowBytes} may be ahead, write in order`,
      )
    }
    await stretches(position, bytes, async (piece, offset) => {
      const { bytesWritten } = await handle.write(piece, 0, piece.length, offset)
      return bytesWritten
    })
    extents.add(position, position + bytes.length)
  }

  return {
    get end() {
      return extents.end
    },
    get size() {
      return extents.size
    },
    full: (position, length) => position + length > released + ringBytes,
    write,
    async fill(size) {
      const gap = Math.min(size, extents.next ?? size) - extents.end
      if (gap <= 0) return
      await write(extents.end, new Uint8Array(Math.min(gap, 2 ** 20)))
    },
    read: (position, into) =>
      stretches(position, into, async (piece, offset) => {
        const { bytesRead } = await handle.read(piece, 0, piece.length, offset)
        return bytesRead
      }),
    cut: (size) => extents.cut(size),
    seal(position) {
      sealed = Math.max(sealed, position)
    },
    release(position) {
      released = Math.max(released, position)
    },
    async close() {
      if (closed) return
      closed = true
      onClose()
      await handle.close()
    },
  }
}
