import { AppError } from '../src/domain/error.ts'
import type { FileStore, StagedFile, StoredFile } from '../src/domain/storage.ts'
import { driverOf } from './driver.ts'
import type { StoreDriver } from './driver.ts'
import { segmentsOf } from './path.ts'

interface Kept {
  bytes: Uint8Array
  modifiedAt: number
}

/** A file store that forgets at the end of the process: for tests and trials. */
export function memoryDriver(): StoreDriver {
  const kept = new Map<string, Kept>()

  const stored = (path: string, file: Kept): StoredFile => ({
    path,
    size: file.bytes.length,
    modifiedAt: file.modifiedAt,
  })

  function put(path: string, bytes: Uint8Array, overwrite: boolean): StoredFile {
    segmentsOf(path)
    if (!overwrite && kept.has(path)) {
      throw new AppError('exists', `Cannot store "${path}": there is one of this name`)
    }
    const file = { bytes, modifiedAt: Date.now() }
    kept.set(path, file)
    return stored(path, file)
  }

  function stage(target: string, from: string | undefined): StagedFile {
    const source = from === undefined ? undefined : kept.get(from)
    let bytes = source === undefined ? new Uint8Array(0) : source.bytes.slice()
    let size = bytes.length
    const publish = (path: string, overwrite: boolean): StoredFile => {
      const file = put(path, bytes.slice(0, size), overwrite)
      if (from !== undefined && from !== path) kept.delete(from)
      return file
    }
    return {
      get size() {
        return size
      },
      async write(position, chunk) {
        const end = position + chunk.length
        if (end > bytes.length) {
          const grown = new Uint8Array(Math.max(end, bytes.length * 2))
          grown.set(bytes.subarray(0, size))
          bytes = grown
        }
        bytes.set(chunk, position)
        size = Math.max(size, end)
      },
      async read(position, length) {
        return bytes.slice(position, Math.min(position + length, size))
      },
      async truncate(to) {
        const cut = new Uint8Array(to)
        cut.set(bytes.subarray(0, Math.min(size, to)))
        bytes = cut
        size = to
      },
      async sync() {},
      async commit({ overwrite = true, beside } = {}) {
        const stored = publish(target, overwrite)
        await beside?.()
        return stored
      },
      async keep(path) {
        return publish(path, true)
      },
      async abort() {},
    }
  }

  const files: FileStore = {
    shared: false,
    async stat(path) {
      const file = kept.get(path)
      return file && stored(path, file)
    },
    async list(folder) {
      const prefix = `${folder}/`
      return [...kept]
        .filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        .map(([path, file]) => stored(path, file))
        .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    },
    async openRead(path) {
      const file = kept.get(path)
      if (file === undefined) {
        throw new AppError('not_found', `Cannot read "${path}": there is no such file`)
      }
      return {
        size: file.bytes.length,
        async read(position, length) {
          return file.bytes.slice(position, position + length)
        },
        async close() {},
      }
    },
    async openWrite(target, { from } = {}) {
      segmentsOf(target)
      return stage(target, from)
    },
    async move(from, to, { overwrite = true } = {}) {
      const file = kept.get(from)
      if (file === undefined) {
        if (kept.has(to)) return
        throw new AppError('not_found', `Cannot move "${from}": there is no such file`)
      }
      if (from === to) return
      if (!overwrite && kept.has(to)) {
        throw new AppError('exists', `Cannot move "${from}" to "${to}": there is one of this name`)
      }
      segmentsOf(to)
      kept.set(to, file)
      kept.delete(from)
    },
    async remove(path) {
      return kept.delete(path)
    },
    async touch(path, modifiedAt) {
      const file = kept.get(path)
      if (file !== undefined) file.modifiedAt = modifiedAt
    },
    async recover() {
      return []
    },
    async space() {
      return undefined
    },
    async close() {},
  }

  async function* walk(folder: string): AsyncGenerator<StoredFile> {
    for (const [path, file] of kept) {
      if (folder === '' || path.startsWith(`${folder}/`)) yield stored(path, file)
    }
  }

  return driverOf('memory', files, walk)
}
