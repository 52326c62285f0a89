import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncate,
  open,
  read,
  renameSync,
  write,
  writeSync,
} from 'node:fs'
import { copyFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CommitOptions } from '../src/domain/storage.ts'
import { stagedFlags } from './local-ahead.ts'
import type { FilesAhead } from './local-ahead.ts'
import type { syncedFolders } from './local-folders.ts'
import { publishFile, removeFile } from './local-move.ts'
import { AppError, isAppError } from '../src/domain/error.ts'
import { explained } from './local-problem.ts'

export interface StageOptions {
  /** Folder of this process's staged files. */
  folder: string
  /** Path in the store, kept in the name or beside the bytes for `recover`. */
  target: string
  /** The same on the disk. */
  path: string
  /** On the disk: bytes to begin with. */
  from: string | undefined
  folders: ReturnType<typeof syncedFolders>
  /** Where the disk is this machine's, what takes the kernel a few microseconds is done in this thread. */
  ahead: FilesAhead | undefined
}

const [openFile, flush, truncateFile, readInto, writeFrom] = [
  promisify(open),
  promisify(fdatasync),
  promisify(ftruncate),
  promisify(read),
  promisify(write),
]

/** A hidden file; its methods throw AppError `out_of_space` or `unavailable`. */
interface Staged {
  readonly size: number
  readonly write: (position: number, bytes: Uint8Array) => Promise<void>
  readonly read: (position: number, length: number) => Promise<Uint8Array>
  readonly truncate: (size: number) => Promise<void>
  readonly sync: () => Promise<void>
  /** fsync, then visible at `to`, on the disk. */
  readonly publish: (to: string, options?: CommitOptions) => Promise<void>
  readonly abort: () => Promise<void>
}

/** Between the parts of a staged name; a target that has it, or is long, is kept in a file beside the bytes. */
const separator = '\u001F'
const maxNameBytes = 255
/** What has come in is sent to the disk while more comes: else all of it would be waited for at the end. */
const syncEveryBytes = 16 * 2 ** 20
/** A first write of at most this, which is all of a small file, is not worth the trip through the thread pool. */
const quickBytes = 64 * 1024

/** The target that the name of a staged file tells; undefined where a file beside it does. */
export function stagedTarget(name: string): string | undefined {
  return name.includes(separator) ? name.split(separator).slice(1).join('/') : undefined
}

/** The name that a staged file of `target` has; it costs two files more where the target does not fit into it. */
function stagedName(target: string): { name: string; beside: boolean } {
  const id = randomUUID()
  const name = [id, ...target.split('/')].join(separator)
  const fits = !target.includes(separator) && Buffer.byteLength(name) <= maxNameBytes
  return fits ? { name, beside: false } : { name: id, beside: true }
}

/** The descriptor of a file made ahead, which is `staged` from here on. */
function takeAhead(ahead: FilesAhead | undefined, staged: string): number | undefined {
  const file = ahead?.take()
  if (file === undefined) return undefined
  try {
    renameSync(file.path, staged)
    return file.descriptor
  } catch {
    // Somebody has removed it by hand.
    closeSync(file.descriptor)
    return undefined
  }
}

/** Opens a hidden file whose bytes go to the disk as they come. */
export async function stageFile(options: StageOptions): Promise<Staged> {
  const { folder, target, path, from, folders, ahead } = options
  const quick = ahead !== undefined
  const { name, beside } = stagedName(target)
  const staged = join(folder, name)
  const what = 'Cannot store the upload'
  const failed = (error: unknown): never => {
    throw explained(error, what)
  }
  if (beside) await writeFile(`${staged}.target`, target, { mode: 0o600 }).catch(failed)
  if (from !== undefined) {
    // A copy, shared where the file system can: the bytes stay where they are until this is published.
    await copyFile(from, staged, constants.COPYFILE_FICLONE).catch(failed)
  }
  const descriptor =
    (from === undefined ? takeAhead(ahead, staged) : undefined) ??
    (await openFile(staged, stagedFlags, 0o600).catch(failed))
  let size = from === undefined ? 0 : fstatSync(descriptor).size
  // A copy has not reached the disk either.
  let unsynced = size
  let written = false
  let syncing: Promise<void> | undefined
  /** A failed fsync is told once, and may have dropped the pages: the bytes are never published (promises.md P1). */
  let lost: { error: unknown } | undefined
  let closed = false
  let using = 0

  function close(): void {
    if (closed) return
    closed = true
    if (using === 0) closeSync(descriptor)
  }

  /** Runs `work` in the thread pool; until it has ended the descriptor is nobody else's. */
  async function use<T>(work: Promise<T>): Promise<T> {
    using += 1
    try {
      return await work
    } finally {
      using -= 1
      if (closed && using === 0) closeSync(descriptor)
    }
  }

  function alive(): void {
    if (closed) throw new AppError('unavailable', `${what}: it has ended`)
  }

  async function writePart(bytes: Uint8Array, position: number): Promise<number> {
    alive()
    if (!quick || written || bytes.length > quickBytes) {
      const written = use(writeFrom(descriptor, bytes, 0, bytes.length, position))
      return (await written.catch(failed)).bytesWritten
    }
    try {
      return writeSync(descriptor, bytes, 0, bytes.length, position)
    } catch (error) {
      return failed(error)
    }
  }

  async function startSync(): Promise<void> {
    unsynced = 0
    try {
      await use(flush(descriptor))
    } catch (error) {
      lost ??= { error }
    }
    syncing = undefined
  }

  async function sync(): Promise<void> {
    if (syncing !== undefined) await syncing
    if (unsynced > 0) await (syncing = startSync())
    if (lost !== undefined) failed(lost.error)
  }

  async function forget(): Promise<void> {
    if (beside) await unlink(`${staged}.target`).catch(() => undefined)
  }

  return {
    get size() {
      return size
    },
    async write(position, bytes) {
      for (let done = 0; done < bytes.length;) {
        done += await writePart(bytes.subarray(done), position + done)
      }
      size = Math.max(size, position + bytes.length)
      unsynced += bytes.length
      // The first write of a small file is all of it: it is on its way while the peer thinks of its CLOSE.
      if (syncing === undefined && (!written || unsynced >= syncEveryBytes)) syncing = startSync()
      written = true
    },
    async read(position, length) {
      alive()
      const room = new Uint8Array(Math.max(0, Math.min(length, size - position)))
      const reading = use(readInto(descriptor, room, 0, room.length, position))
      return room.subarray(0, (await reading.catch(failed)).bytesRead)
    },
    async truncate(to) {
      alive()
      await use(truncateFile(descriptor, to)).catch(failed)
      unsynced += 1
      size = to
    },
    sync,
    async publish(to, { overwrite = true, beside } = {}) {
      await sync()
      await folders.ensure(to)
      close()
      try {
        await publishFile(staged, to, { overwrite, beside, quick })
      } catch (error) {
        if (!isAppError(error, 'not_found')) throw error
        // Somebody has removed the folder by hand: an upload makes it again.
        await folders.ensure(to, { again: true })
        await publishFile(staged, to, { overwrite, beside, quick })
      }
      await forget()
      if (from !== undefined && from !== to && from !== path) await removeFile(from)
    },
    async abort() {
      await syncing
      close()
      await unlink(staged).catch(() => undefined)
      await forget()
    },
  }
}
