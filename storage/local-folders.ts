import { closeSync, fsync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { explained } from './local-problem.ts'

const flush = promisify(fsync)
const running = new Map<string, Promise<void>>()
const next = new Map<string, Promise<void>>()

async function flushFolder(folder: string): Promise<void> {
  // Opened in this thread: the trip through the pool costs ten times what it takes.
  const descriptor = openSync(folder, 'r')
  try {
    await flush(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function begin(folder: string): Promise<void> {
  const flushed = flushFolder(folder).finally(() => running.delete(folder))
  running.set(folder, flushed)
  return flushed
}

async function after(before: Promise<void>, folder: string): Promise<void> {
  await before.catch(() => undefined)
  next.delete(folder)
  await begin(folder)
}

/**
 * Makes changes of names in `folder` survive a power failure.
 *
 * One fsync is for all who ask before it begins: a hundred uploads into one folder share a few.
 */
export function syncFolder(folder: string): Promise<void> {
  const before = running.get(folder)
  if (before === undefined) return begin(folder)
  const shared = next.get(folder) ?? after(before, folder)
  next.set(folder, shared)
  return shared
}

/** Makes folders so that they survive a power failure, and remembers those that it has made. */
export function syncedFolders(root: string) {
  // Bounded by the tenants and their few folders; none is removed while the process lives, but by hand.
  const known = new Set<string>()

  return {
    /** Makes the folder that `file` goes into. */
    async ensure(file: string, { again = false } = {}): Promise<void> {
      const folder = dirname(file)
      if (again) known.delete(folder)
      if (known.has(folder)) return
      try {
        const first = await mkdir(folder, { recursive: true, mode: 0o700 })
        // Each new folder is an entry of the one above it, up to the one that was there before.
        for (let made = folder; made.length >= (first?.length ?? Infinity);) {
          made = dirname(made)
          await syncFolder(made)
        }
      } catch (error) {
        throw explained(error, 'Cannot make a folder')
      }
      if (folder.startsWith(root)) known.add(folder)
    },
  }
}
