import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, open, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommitOptions } from '../src/domain/storage.ts'
import type { syncedFolders } from './local-folders.ts'
import { publishFile, removeFile } from './local-move.ts'
import { isAppError } from '../src/domain/error.ts'
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
}

/** A hidden file; its methods throw AppError `out_of_space` or `unavailable`. */
interface Staged {
  readonly size: number
  readonly write: (position: number, bytes: Uint8Array) => Promise<void>
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

/** Opens a hidden file whose bytes go to the disk as they come. */
export async function stageFile(options: StageOptions): Promise<Staged> {
  const { folder, target, path, from, folders } = options
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
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const handle = await open(staged, flags, 0o600).catch(failed)
  let size = from === undefined ? 0 : (await handle.stat()).size
  // A copy has not reached the disk either.
  let unsynced = size
  let written = false
  let syncing: Promise<void> | undefined
  /** A failed fsync is told once, and may have dropped the pages: the bytes are never published (promises.md P1). */
  let lost: { error: unknown } | undefined
  let closed = false

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    await handle.close()
  }

  async function startSync(): Promise<void> {
    unsynced = 0
    try {
      await handle.datasync()
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
        const { bytesWritten } = await handle
          .write(bytes, done, bytes.length - done, position + done)
          .catch(failed)
        done += bytesWritten
      }
      size = Math.max(size, position + bytes.length)
      unsynced += bytes.length
      // The first write of a small file is all of it: it is on its way while the peer thinks of its CLOSE.
      if (syncing === undefined && (!written || unsynced >= syncEveryBytes)) syncing = startSync()
      written = true
    },
    async truncate(to) {
      await handle.truncate(to).catch(failed)
      unsynced += 1
      size = to
    },
    sync,
    async publish(to, { overwrite = true, beside } = {}) {
      await sync()
      await folders.ensure(to)
      // Beside the rename: all bytes are on the disk, and nothing is left to go wrong that matters.
      const closing = close().catch(() => undefined)
      try {
        await publishFile(staged, to, { overwrite, beside })
      } catch (error) {
        if (!isAppError(error, 'not_found')) throw error
        // Somebody has removed the folder by hand: an upload makes it again.
        await folders.ensure(to, { again: true })
        await publishFile(staged, to, { overwrite, beside })
      }
      await closing
      await forget()
      if (from !== undefined && from !== to && from !== path) await removeFile(from)
    },
    async abort() {
      await syncing
      await close().catch(() => undefined)
      await unlink(staged).catch(() => undefined)
      await forget()
    },
  }
}
