import type { Driver } from 'unstorage'
import type { FileReader, FileStore, StoredFile } from '../src/domain/storage.ts'
import { keyOf, pathOf } from './path.ts'

/** An unstorage driver that is a file store too: streams, atomic publish, move and sized listing. */
export type StoreDriver = Driver & { readonly files: FileStore }

/** Every file of the store below `folder`, in any order; '' is all of it. */
export type Walk = (folder: string) => AsyncIterable<StoredFile>

/** The bytes of a whole file. */
async function readAll(reader: FileReader): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let position = 0; ;) {
    const part = await reader.read(position, 1 << 20)
    if (part.length === 0) return Buffer.concat(parts)
    parts.push(part)
    position += part.length
  }
}

/** The standard driver methods over `files`, with keys that keep every name apart. */
export function driverOf(name: string, files: FileStore, walk: Walk): StoreDriver {
  async function read(key: string): Promise<Buffer | null> {
    if ((await files.stat(pathOf(key))) === undefined) return null
    const reader = await files.openRead(pathOf(key))
    try {
      return await readAll(reader)
    } finally {
      await reader.close()
    }
  }

  async function write(key: string, bytes: Uint8Array): Promise<void> {
    const staged = await files.openWrite(pathOf(key))
    try {
      await staged.write(0, bytes)
      await staged.commit()
    } catch (error) {
      await staged.abort()
      throw error
    }
  }

  async function keys(base: string): Promise<string[]> {
    const found: string[] = []
    for await (const { path } of walk(pathOf(base.replace(/:$/, '')))) found.push(keyOf(path))
    return found
  }

  return {
    name,
    files,
    async hasItem(key) {
      return (await files.stat(pathOf(key))) !== undefined
    },
    async getItem(key) {
      return (await read(key))?.toString('utf8') ?? null
    },
    async getItemRaw(key: string) {
      return read(key)
    },
    async setItem(key: string, value: string) {
      await write(key, Buffer.from(value))
    },
    async setItemRaw(key: string, value: Uint8Array | string) {
      await write(key, typeof value === 'string' ? Buffer.from(value) : value)
    },
    async removeItem(key: string) {
      await files.remove(pathOf(key))
    },
    async getKeys(base = '') {
      return keys(base)
    },
    async getMeta(key) {
      const file = await files.stat(pathOf(key))
      return file === undefined ? null : { size: file.size, mtime: new Date(file.modifiedAt) }
    },
    async clear(base = '') {
      for (const key of await keys(base)) await files.remove(pathOf(key))
    },
    async dispose() {
      await files.close()
    },
  }
}
