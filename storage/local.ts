import { randomUUID } from 'node:crypto'
import { constants, lstatSync } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rm, rmdir, statfs, utimes } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileReader, FileStore, StoredFile } from '../src/domain/storage.ts'
import { driverOf } from './driver.ts'
import type { StoreDriver } from './driver.ts'
import { filesAhead } from './local-ahead.ts'
import { syncedFolders } from './local-folders.ts'
import { stagingFolder } from './local-links.ts'
import { moveFile, removeFile } from './local-move.ts'
import { explained, hasCode } from './local-problem.ts'
import { stagedTarget, stageFile } from './local-staged.ts'
import { segmentsOf } from './path.ts'

/** Looked at together: one at a time, 9,000 names take 350 ms, and so many at once 100 ms. */
const statsAtOnce = 64

export interface LocalOptions {
  /** The folder that holds everything; made when it is not there. */
  folder: string
  /** Several processes use the folder, on this machine or by a network file system. Default: one does. */
  shared?: boolean
}

// A living process touches its staging folder; one that is silent for longer is dead.
const aliveEveryMs = 10_000
const deadAfterMs = 60_000

/**
 * A file store in a folder of this machine. One process at a time may use the folder, unless it is `shared`.
 *
 * A staged file lies in `.staging/<process>/`, its target beside it; commit is fsync, rename, fsync of the folder.
 */
export function localDriver({ folder: root, shared = false }: LocalOptions): StoreDriver {
  const own = join(root, stagingFolder, randomUUID())
  const alive = shared
    ? setInterval(() => {
        const now = new Date()
        // Nothing is staged: there is no folder.
        utimes(own, now, now).catch(() => undefined)
      }, aliveEveryMs).unref()
    : undefined
  const folders = syncedFolders(root)
  const ahead = shared ? undefined : filesAhead(own)
  let ready: Promise<unknown> | undefined
  const at = (path: string): string => join(root, ...segmentsOf(path))

  /** `alone`: one file, not one of thousands. */
  async function stat(
    path: string,
    { alone }: { alone: boolean },
  ): Promise<StoredFile | undefined> {
    try {
      // In this thread where the disk is this machine's: the trip through the pool costs ten times what it takes.
      const quick = alone && !shared
      const found = quick ? lstatSync(at(path), { throwIfNoEntry: false }) : await lstat(at(path))
      if (found?.isFile() !== true) return undefined
      return { path, size: found.size, modifiedAt: Math.trunc(found.mtimeMs) }
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined
      throw explained(error, `Cannot look at "${path}"`)
    }
  }

  async function openRead(path: string): Promise<FileReader> {
    let handle: FileHandle
    try {
      handle = await open(at(path), constants.O_RDONLY | constants.O_NOFOLLOW)
    } catch (error) {
      throw explained(error, `Cannot read "${path}"`)
    }
    const { size } = await handle.stat()
    return {
      size,
      async read(position, length, room) {
        const wanted = Math.max(0, Math.min(length, size - position))
        const buffer = room?.subarray(0, wanted) ?? new Uint8Array(wanted)
        if (buffer.length === 0) return buffer
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
        return buffer.subarray(0, bytesRead)
      },
      close: () => handle.close(),
    }
  }

  async function list(
    folder: string,
    { limit = Infinity }: { limit?: number } = {},
  ): Promise<StoredFile[]> {
    const found: StoredFile[] = []
    const all = await names(at(folder))
    const step = Math.min(statsAtOnce, limit)
    for (let first = 0; first < all.length && found.length < limit; first += step) {
      const some = all.slice(first, first + step)
      const files = await Promise.all(
        some.map((name) => stat(`${folder}/${name}`, { alone: false })),
      )
      found.push(...files.filter((file) => file !== undefined))
    }
    return found.slice(0, limit).toSorted((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** By the clock of the file system, which all who share it go by. */
  async function isDead(folder: string): Promise<boolean> {
    const probe = `${own}.now`
    await mkdir(probe, { recursive: true, mode: 0o700 })
    const [now, then] = [await lstat(probe), await lstat(folder).catch(() => undefined)]
    await rmdir(probe)
    return then !== undefined && now.mtimeMs - then.mtimeMs > deadAfterMs
  }

  async function recover(keepAt: (target: string) => string | undefined): Promise<StoredFile[]> {
    const kept: StoredFile[] = []
    for (const left of await names(join(root, stagingFolder))) {
      const folder = join(root, stagingFolder, left)
      if (folder === own) continue
      if (shared && !(await isDead(folder))) continue
      for (const name of await names(folder)) {
        const told = stagedTarget(name)
        const beside = told === undefined && name.endsWith('.target')
        if (told === undefined && !beside) continue
        const target = told ?? (await readFile(join(folder, name), 'utf8'))
        const bytes = join(folder, beside ? name.slice(0, -'.target'.length) : name)
        const size = await lstat(bytes).then(
          (found) => found.size,
          () => 0,
        )
        // A target that was not written whole, or nothing behind it: no upload to speak of.
        if (target === '' || size === 0) continue
        const path = keepAt(target)
        if (path === undefined) continue
        await folders.ensure(at(path))
        await moveFile(bytes, at(path), { overwrite: true })
        const file = await stat(path, { alone: true })
        if (file !== undefined) kept.push(file)
      }
      await rm(folder, { recursive: true, force: true })
    }
    return kept
  }

  const files: FileStore = {
    shared,
    stat: (path) => stat(path, { alone: true }),
    list,
    openRead,
    async openWrite(target, options = {}) {
      const path = at(target)
      ready ??= mkdir(own, { recursive: true, mode: 0o700 })
      await ready.catch((error: unknown) => {
        ready = undefined
        throw explained(error, 'Cannot store the upload')
      })
      const from = options.from === undefined ? undefined : at(options.from)
      const staged = await stageFile({ folder: own, target, path, from, folders, ahead })
      const described = (at: string): StoredFile => ({
        path: at,
        size: staged.size,
        modifiedAt: Date.now(),
      })
      return {
        get size() {
          return staged.size
        },
        write: staged.write,
        read: staged.read,
        truncate: staged.truncate,
        sync: staged.sync,
        abort: staged.abort,
        async commit(options) {
          await staged.publish(path, options)
          return described(target)
        },
        async keep(other) {
          await staged.publish(at(other))
          return described(other)
        },
      }
    },
    async move(from, to, { overwrite = true } = {}) {
      const target = at(to)
      await folders.ensure(target)
      await moveFile(at(from), target, { overwrite })
    },
    remove: (path) => removeFile(at(path)),
    async touch(path, modifiedAt) {
      await utimes(at(path), new Date(), new Date(modifiedAt)).catch((error: unknown) => {
        throw explained(error, `Cannot set the time of "${path}"`)
      })
    },
    recover,
    async space() {
      await mkdir(root, { recursive: true, mode: 0o700 })
      const { bavail, blocks, bsize } = await statfs(root)
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
    },
    async close() {
      // Only when it is empty: what is left in it becomes a cut upload at the next start.
      ready = undefined
      clearInterval(alive)
      ahead?.close()
      await rmdir(own).catch(() => undefined)
    },
  }

  async function* walk(folder: string): AsyncGenerator<StoredFile> {
    for (const name of await names(folder === '' ? root : at(folder))) {
      if (folder === '' && name === stagingFolder) continue
      const path = folder === '' ? name : `${folder}/${name}`
      const file = await stat(path, { alone: false })
      if (file === undefined) yield* walk(path)
      else yield file
    }
  }

  return driverOf('local', files, walk)
}

/** The names in a folder, none when there is no such folder. */
async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw explained(error, 'Cannot list a folder')
  }
}
