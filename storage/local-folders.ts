import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { explained } from './local-problem.ts'

/** Makes a change of names in `folder` survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes folders so that they survive a power failure, and remembers those that it has made. */
export function syncedFolders(root: string) {
  // Bounded by the tenants and their few folders; a folder is never removed while the process lives.
  const known = new Set<string>()

  return {
    /** Makes the folder that `file` goes into. */
    async ensure(file: string): Promise<void> {
      const folder = dirname(file)
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
