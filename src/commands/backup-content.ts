import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { dataPaths } from '../config.ts'
import type { Config } from '../config.ts'
import { AppError } from '../domain/error.ts'

/** What a backup says of itself. */
export const manifestName = 'manifest.json'

const manifestShape = z.strictObject({
  format: z.literal(1),
  createdAt: z.string(),
  files: z.array(z.strictObject({ path: z.string(), size: z.int(), sha256: z.string() })),
})
type Manifest = z.infer<typeof manifestShape>

/** Where an installation on one disk has its parts; refuses others, saying what to use instead. */
export function partsOf(config: Config, verb: string): { dataDir: string; files: string } {
  const { databaseUrl, storageUrl } = dataPaths(config)
  const instead: string[] = []
  if (!databaseUrl.startsWith('sqlite:')) {
    instead.push('the database is PostgreSQL, use pg_dump and pg_restore or its snapshots')
  }
  if (storageUrl.startsWith('s3:')) {
    instead.push(
      "the files are in a bucket, use its versioning and replication, or rclone sync, after the database's copy",
    )
  }
  if (instead.length > 0) {
    throw new AppError('unsupported', `Cannot ${verb}: ${instead.join('; ')} (docs/operations.md)`)
  }
  const files = storageUrl.startsWith('file:') ? fileURLToPath(storageUrl) : storageUrl
  return { dataDir: config.dataDir, files }
}

/** The names in a folder, none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

/** Copies what is below `from`, sharing its bytes where the file system can; nothing is not there. */
export async function copyTree(from: string, to: string): Promise<void> {
  for (const path of await pathsIn(from)) {
    const target = join(to, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await copyFile(join(from, path), target, constants.COPYFILE_FICLONE)
    // Cut uploads and archives are kept for so long from their own time on.
    const { atime, mtime } = await stat(join(from, path))
    await utimes(target, atime, mtime)
  }
}

async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted()
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  await pipeline(createReadStream(file), digest)
  return digest.digest('hex')
}

/** Writes down what is in a backup. */
export async function writeManifest(folder: string, createdAt: Date): Promise<Manifest> {
  const files: Manifest['files'] = []
  for (const path of await pathsIn(folder)) {
    const file = join(folder, path)
    const { size } = await stat(file)
    files.push({ path, size, sha256: await digestOf(file) })
  }
  const manifest: Manifest = { format: 1, createdAt: createdAt.toISOString(), files }
  await writeFile(join(folder, manifestName), JSON.stringify(manifest, null, 1), { mode: 0o600 })
  return manifest
}

/** Reads what is in a backup, and throws AppError `conflict` when it is not whole. */
export async function checkManifest(folder: string): Promise<Manifest> {
  const broken = (what: string) =>
    new AppError('conflict', `Cannot restore "${folder}": ${what}, a whole backup is needed`)
  const text = await readFile(join(folder, manifestName), 'utf8').catch(() => undefined)
  if (text === undefined) throw broken(`there is no ${manifestName}`)
  let manifest: Manifest
  try {
    manifest = manifestShape.parse(JSON.parse(text))
  } catch {
    throw broken(`its ${manifestName} is none of this version`)
  }
  const listed = new Set(manifest.files.map(({ path }) => path))
  const extra = (await pathsIn(folder)).find((path) => path !== manifestName && !listed.has(path))
  if (extra !== undefined) throw broken(`"${extra}" is not in its ${manifestName}`)
  for (const { path, size, sha256 } of manifest.files) {
    const file = join(folder, path)
    const found = await stat(file).catch(() => undefined)
    if (found === undefined) throw broken(`"${path}" is missing`)
    if (found.size !== size || (await digestOf(file)) !== sha256) {
      throw broken(`"${path}" is not as it was`)
    }
  }
  return manifest
}

/** Removes a folder with all that is in it. */
export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
