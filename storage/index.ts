import { createStorage } from 'unstorage'
import { AppError } from '../src/domain/error.ts'
import type { FileStore } from '../src/domain/storage.ts'
import type { StoreDriver } from './driver.ts'

/** Every driver by the scheme of its URL, loaded only when used. */
const drivers: Readonly<Record<string, (url: URL) => Promise<StoreDriver>>> = {
  file: async (url) => {
    const { localDriver } = await import('./local.ts')
    const { fileURLToPath } = await import('node:url')
    return localDriver({ folder: fileURLToPath(url) })
  },
  memory: async () => {
    const { memoryDriver } = await import('./memory.ts')
    return memoryDriver()
  },
}

/**
 * Opens the file store that `url` names: `file:///folder`, a plain path, or `memory:`.
 *
 * Throws AppError `invalid` for an unknown scheme, with the list of the known ones.
 */
export async function openFileStore(url: string): Promise<FileStore> {
  const { pathToFileURL } = await import('node:url')
  const parsed = /^[a-z][a-z0-9+.-]+:/i.test(url) ? new URL(url) : pathToFileURL(url)
  const scheme = parsed.protocol.slice(0, -1)
  const open = Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined
  if (open === undefined) {
    const known = Object.keys(drivers).join(', ')
    throw new AppError(
      'invalid',
      `Cannot open the storage "${scheme}:": there is no driver of this name, one of ${known} is needed`,
    )
  }
  const driver = await open(parsed)
  const storage = createStorage({ driver })
  const { driver: mounted } = storage.getMount('')
  if (mounted !== driver) throw new Error('The storage lost its driver')
  return { ...driver.files, close: () => storage.dispose() }
}
