import { mkdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readConfig } from '../config.ts'
import { AppError } from '../domain/error.ts'
import { UsageError } from '../usage.ts'
import {
  checkManifest,
  copyTree,
  manifestName,
  namesIn,
  partsOf,
  removeTree,
} from './backup-content.ts'

/** Where a restore puts together what it has not finished. */
const restoring = '.restoring'

/** Refuses a folder that holds anything: a restore never mixes two installations. */
async function refuseContent(folder: string): Promise<void> {
  const [found] = (await namesIn(folder)).filter(
    (name) => name !== restoring && name !== 'lost+found',
  )
  if (found !== undefined) {
    throw new AppError(
      'exists',
      `Cannot restore to "${folder}": there is "${found}" in it, an empty folder is needed`,
    )
  }
}

/** Moves what is in `from` into `to`, both on one file system. */
async function moveContent(from: string, to: string, last?: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  const names = (await namesIn(from)).filter((name) => name !== last)
  for (const name of last === undefined ? names : [...names, last]) {
    await rename(join(from, name), join(to, name))
  }
}

/** `rosterdrop restore FOLDER`: puts a backup into the empty DATA_DIR. */
export async function run(args: string[]): Promise<number> {
  const [given, ...more] = args
  if (given === undefined || more.length > 0)
    throw new UsageError('Cannot restore: name one folder')
  const { dataDir, files } = partsOf(readConfig(process.env), 'restore')
  const folder = resolve(given)
  await refuseContent(dataDir)
  await refuseContent(files)
  const manifest = await checkManifest(folder)

  const staged = join(dataDir, restoring)
  // On the same file system as what they become, so that each name is there whole or not at all.
  const elsewhere = files === join(dataDir, 'files') ? undefined : join(files, restoring)
  try {
    await removeTree(staged)
    await copyTree(folder, staged)
    await removeTree(join(staged, manifestName))
    if (elsewhere !== undefined) {
      await removeTree(join(staged, 'files'))
      await copyTree(join(folder, 'files'), elsewhere)
      await moveContent(elsewhere, files)
    }
    // The state comes last: without it there is no installation.
    await moveContent(staged, dataDir, 'state.db')
  } finally {
    await removeTree(staged)
    if (elsewhere !== undefined) await removeTree(elsewhere)
  }
  process.stdout.write(
    `Restored ${manifest.files.length} files as of ${manifest.createdAt} to ${dataDir}; "rosterdrop doctor" checks them\n`,
  )
  return 0
}
