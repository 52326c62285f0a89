import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, open, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { syncedFolders } from './local-folders.ts'
import { moveFile, removeFile } from './local-move.ts'
import { explained } from './local-problem.ts'

export interface StageOptions {
  /** Folder of this process's staged files. */
  folder: string
  /** Path in the store, kept beside the bytes for `recover`. */
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
  readonly publish: (to: string, overwrite: boolean) => Promise<void>
  readonly abort: () => Promise<void>
}

/** Opens a hidden file whose bytes go to the disk as they come. */
export async function stageFile(options: StageOptions): Promise<Staged> {
  const { folder, target, path, from, folders } = options
  const staged = join(folder, randomUUID())
  const beside = `${staged}.target`
  const what = 'Cannot store the upload'
  const failed = (error: unknown): never => {
    throw explained(error, what)
  }
  await writeFile(beside, target, { mode: 0o600 }).catch(failed)
  if (from !== undefined) {
    // A copy, shared where the file system can: the bytes stay where they are until this is published.
    await copyFile(from, staged, constants.COPYFILE_FICLONE).catch(failed)
  }
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const handle = await open(staged, flags, 0o600).catch(failed)
  let { size } = await handle.stat()
  let closed = false

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    await handle.close()
  }

  return {
    get size() {
      return size
    },
    async write(position: number, bytes: Uint8Array): Promise<void> {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await handle
          .write(bytes, done, bytes.length - done, position + done)
          .catch(failed)
        done += bytesWritten
      }
      size = Math.max(size, position + bytes.length)
    },
    async truncate(to: number): Promise<void> {
      await handle.truncate(to).catch(failed)
      size = to
    },
    async sync(): Promise<void> {
      await handle.datasync().catch(failed)
    },
    async publish(to: string, overwrite: boolean): Promise<void> {
      // A failed fsync may have dropped the pages: the bytes are not published (promises.md P1).
      await handle.datasync().catch(failed)
      await close()
      await folders.ensure(to)
      await moveFile(staged, to, { overwrite })
      await unlink(beside).catch(() => undefined)
      if (from !== undefined && from !== to && from !== path) await removeFile(from)
    },
    async abort(): Promise<void> {
      await close().catch(() => undefined)
      await unlink(staged).catch(() => undefined)
      await unlink(beside).catch(() => undefined)
    },
  }
}
