import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStorage } from 'unstorage'
import { AppError } from '../src/domain/error.ts'
import type { FileStore } from '../src/domain/storage.ts'
import type { StoreDriver } from './driver.ts'
import type { S3Options } from './s3-client.ts'

/** What a driver needs to know beside its URL. */
export interface StoreSettings {
  s3: Omit<S3Options, 'bucket' | 'prefix'>
}

/** Every driver by the scheme of its URL, loaded only when used. */
const drivers: Readonly<
  Record<string, (url: URL, settings: StoreSettings) => Promise<StoreDriver>>
> = {
  file: async (url) => {
    const { localDriver } = await import('./local.ts')
    const { fileURLToPath } = await import('node:url')
    return localDriver({ folder: fileURLToPath(url), shared: url.searchParams.has('shared') })
  },
  memory: async () => {
    const { memoryDriver } = await import('./memory.ts')
    return memoryDriver()
  },
  s3: async ({ hostname, pathname }, { s3 }) => {
    const { s3Driver } = await import('./s3.ts')
    const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '')
    return s3Driver({ ...s3, bucket: hostname, prefix })
  },
}

/** For a bucket whose settings the environment of the SDK has. */
export const plainSettings: StoreSettings = {
  s3: {
    endpoint: null,
    region: 'us-east-1',
    accessKeyId: null,
    secretAccessKey: null,
    pathStyle: 'auto',
    spoolFolder: join(tmpdir(), 'rosterdrop-spool'),
  },
}

/**
 * Opens the file store that `url` names: `file:///folder` (`?shared`: by several processes), a plain path, `memory:` or `s3://bucket/prefix`.
 *
 * Throws AppError `invalid` for an unknown scheme, with the list of the known ones.
 */
export async function openFileStore(
  url: string,
  settings: StoreSettings = plainSettings,
): Promise<FileStore> {
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
  const driver = await open(parsed, settings)
  const storage = createStorage({ driver })
  const { driver: mounted } = storage.getMount('')
  if (mounted !== driver) throw new Error('The storage lost its driver')
  return { ...driver.files, close: () => storage.dispose() }
}
