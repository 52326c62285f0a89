import { AppError } from '../domain/error.ts'
import type { Database, Directories } from './opened.ts'

interface Kind {
  database: (url: string) => Promise<Database>
  directories: (url: string) => Promise<Directories>
  /** Whether anything was ever stored there; makes nothing. */
  exists: (url: string) => Promise<boolean>
  /** MiB of new objects that an import's thread should have: what waits to be stored is copied when they are full. */
  newObjectMegabytes: number
}

const postgres: Kind = {
  async database(url) {
    const { openPostgres } = await import('./postgres/open.ts')
    return openPostgres(url)
  },
  async directories(url) {
    const { openDirectories } = await import('./postgres/open.ts')
    return openDirectories(url)
  },
  // A server that is reached has its database; what is in it the migrations decide.
  exists: async () => true,
  // A thousand rows wait for each round trip: with 8 a third of a first load was the collector's.
  newObjectMegabytes: 32,
}

/** Every kind by the scheme of its URL, loaded only when used. */
const kinds: Readonly<Record<string, Kind>> = {
  sqlite: {
    async database(url) {
      const { openFolder } = await import('./sqlite/folder.ts')
      return openFolder(await folderOf(url))
    },
    async directories(url) {
      const { directoriesIn } = await import('./sqlite/folder.ts')
      return directoriesIn(await folderOf(url))
    },
    async exists(url) {
      const { stateFileIn } = await import('./sqlite/folder.ts')
      const { existsSync } = await import('node:fs')
      return existsSync(stateFileIn(await folderOf(url)))
    },
    // A few rows wait: more brings nothing, and takes memory.
    newObjectMegabytes: 8,
  },
  postgres,
  postgresql: postgres,
}

function kindOf(url: string): Kind {
  const scheme = url.slice(0, Math.max(0, url.indexOf(':')))
  const kind = Object.hasOwn(kinds, scheme) ? kinds[scheme] : undefined
  if (kind !== undefined) return kind
  throw new AppError(
    'invalid',
    `Cannot open the database "${scheme}:": there is none of this kind, one of ${Object.keys(kinds).join(', ')} is needed`,
  )
}

async function folderOf(url: string): Promise<string> {
  const path = url.slice('sqlite:'.length)
  const { fileURLToPath } = await import('node:url')
  const { resolve } = await import('node:path')
  return path.startsWith('//') ? fileURLToPath(`file:${path}`) : resolve(path)
}

/** Opens what `url` names: `sqlite:FOLDER`, or `postgres://…`; made and migrated when needed. */
export async function openDatabase(url: string): Promise<Database> {
  return kindOf(url).database(url)
}

/** Opens the directories of the same database, in a worker. */
export async function openDirectories(url: string): Promise<Directories> {
  return kindOf(url).directories(url)
}

/** True when there may be data already. */
export async function databaseExists(url: string): Promise<boolean> {
  return kindOf(url).exists(url)
}

/** MiB of new objects that the heap of an import's thread should have room for. */
export function newObjectMegabytes(url: string): number {
  return kindOf(url).newObjectMegabytes
}
