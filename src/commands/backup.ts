import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { dataPaths, readConfig } from '../config.ts'
import { databaseExists } from '../db/database.ts'
import { takeSnapshot } from '../db/sqlite/snapshot.ts'
import { AppError } from '../domain/error.ts'
import { UsageError } from '../usage.ts'
import { linkAll } from '../../storage/local-links.ts'
import { copyTree, namesIn, partsOf, removeTree, writeManifest } from './backup-content.ts'

/** `rosterdrop backup FOLDER`: all of an installation on one disk, also while the server runs. */
export async function run(args: string[]): Promise<number> {
  const [given, ...more] = args
  if (given === undefined || more.length > 0)
    throw new UsageError('Cannot back up: name one folder')
  const config = readConfig(process.env)
  const { dataDir, files } = partsOf(config, 'back up')
  const folder = resolve(given)
  for (const part of [files, join(dataDir, 'directory'), join(dataDir, 'keys')]) {
    if (folder === part || folder.startsWith(join(part, sep))) {
      throw new AppError(
        'conflict',
        `Cannot back up to "${given}": it is inside "${part}", which is backed up, name a folder elsewhere`,
      )
    }
  }
  if ((await namesIn(folder)).length > 0) {
    throw new AppError('exists', `Cannot back up to "${given}": it is not empty, name a new folder`)
  }
  if (!(await databaseExists(dataPaths(config).databaseUrl))) {
    throw new AppError('not_found', `Cannot back up "${dataDir}": there is no installation in it`)
  }

  // Whole or not there: it has its name only when it is complete.
  const partial = `${folder}.partial`
  await removeTree(partial)
  await mkdir(partial, { recursive: true, mode: 0o700 })
  let links: string | undefined
  const createdAt = new Date()
  const snapshot = takeSnapshot(dataDir, () => {
    if (existsSync(files)) links = linkAll(files)
  })
  try {
    await snapshot.copyTo(partial)
    if (links !== undefined) await copyTree(links, join(partial, 'files'))
    await copyTree(join(dataDir, 'keys'), join(partial, 'keys'))
    const manifest = await writeManifest(partial, createdAt)
    await removeTree(folder)
    await rename(partial, folder)
    const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
    process.stdout.write(
      `Backed up ${manifest.files.length} files, ${bytes} bytes, as of ${manifest.createdAt} to ${folder}\n`,
    )
    return 0
  } catch (error) {
    await removeTree(partial)
    throw error
  } finally {
    snapshot.close()
    if (links !== undefined) await removeTree(links)
  }
}
