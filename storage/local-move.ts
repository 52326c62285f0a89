import { renameSync } from 'node:fs'
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './local-folders.ts'
import { explained, hasCode } from './local-problem.ts'

async function inode(path: string): Promise<number | undefined> {
  return lstat(path).then(
    (found) => found.ino,
    () => undefined,
  )
}

// rename() replaces silently: a link is refused by the kernel where the name is taken.
async function moveToFreeName(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    // A kill between link and unlink has left both names of one file.
    const same = hasCode(error, 'EEXIST') && (await inode(from)) === (await inode(to))
    if (!same) throw error
  }
  await unlink(from)
}

export interface PublishOptions {
  overwrite: boolean
  beside?: (() => Promise<void>) | undefined
  /** The disk is this machine's: a rename takes a tenth of the trip through the thread pool. */
  quick?: boolean
}

/** As `moveFile`, where nobody minds the old name to be back after a power failure: that of a staged file. */
export async function publishFile(
  from: string,
  to: string,
  { overwrite, beside, quick = false }: PublishOptions,
): Promise<void> {
  try {
    if (!overwrite) await moveToFreeName(from, to)
    else if (quick) renameSync(from, to)
    else await rename(from, to)
  } catch (error) {
    const done = hasCode(error, 'ENOENT') && (await inode(to)) !== undefined
    if (!done || (await inode(from)) !== undefined) throw explained(error, 'Cannot move a file')
  }
  // The sync goes first: what is beside it may keep this thread busy.
  await Promise.all([syncFolder(dirname(to)), beside?.()])
}

/**
 * Renames durably. Repeatable: when `from` is gone and `to` is there, it is done.
 *
 * Throws AppError `exists` when `overwrite` is false and the name is taken.
 */
export async function moveFile(
  from: string,
  to: string,
  { overwrite }: { overwrite: boolean },
): Promise<void> {
  await publishFile(from, to, { overwrite })
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from))
}

/** Removes durably; false when there was no such file. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw explained(error, 'Cannot remove a file')
  }
  await syncFolder(dirname(path))
  return true
}
