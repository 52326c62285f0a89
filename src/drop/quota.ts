import type { Clock } from '../domain/clock.ts'
import { AppError } from '../domain/error.ts'
import { clientFolders, dropPath, dropRoot } from '../domain/layout.ts'
import type { FileStore } from '../domain/storage.ts'
import type { DropLimits } from './limits.ts'

// A listing of 10,000 files takes a tenth of a second: not one for each of 1,000 small files.
const freshMs = 5_000

interface Usage {
  files: number
  bytes: number
  at: number
}

/** What each client has in its drop folder, and what is left for it. */
export function createQuota(options: { files: FileStore; clock: Clock; limits: DropLimits }) {
  const { files, clock, limits } = options
  const usages = new Map<string, Usage>()
  let space: { freeBytes: number; totalBytes: number; at: number } | undefined

  async function usageOf(tenantId: string): Promise<Usage> {
    const known = usages.get(tenantId)
    if (known !== undefined && clock.now() - known.at < freshMs) return known
    const usage: Usage = { files: 0, bytes: 0, at: clock.now() }
    const folders = [
      dropRoot(tenantId),
      ...clientFolders.map((name) => dropPath(tenantId, '', name)),
    ]
    for (const folder of folders) {
      for (const { size } of await files.list(folder)) {
        usage.files += 1
        usage.bytes += size
      }
    }
    usages.set(tenantId, usage)
    return usage
  }

  async function disk(): Promise<{ freeBytes: number; totalBytes: number }> {
    if (space === undefined || clock.now() - space.at > freshMs) {
      const found = await files.space()
      const { freeBytes, totalBytes } = found ?? { freeBytes: Infinity, totalBytes: Infinity }
      space = { freeBytes, totalBytes, at: clock.now() }
    }
    return space
  }

  async function left(tenantId: string): Promise<{ freeBytes: number; totalBytes: number }> {
    const [usage, { freeBytes }] = [await usageOf(tenantId), await disk()]
    const quota = Math.max(0, limits.clientBytes - usage.bytes)
    return {
      freeBytes: Math.min(quota, Math.max(0, freeBytes - limits.freeBytes)),
      totalBytes: limits.clientBytes,
    }
  }

  return {
    left,
    /** Throws AppError `too_many` or `out_of_space` when no further upload may begin. */
    async check(tenantId: string): Promise<void> {
      const { files: count } = await usageOf(tenantId)
      if (count >= limits.files) {
        throw new AppError(
          'too_many',
          `Cannot store the file: the drop folder has ${count} files, delete some first`,
        )
      }
      if ((await left(tenantId)).freeBytes === 0) {
        throw new AppError(
          'out_of_space',
          'Cannot store the file: no space is left for this drop folder, delete files or try later',
        )
      }
    },
    /** A file has come or gone since the last count. */
    changed(tenantId: string, fileCount: number, bytes: number): void {
      const usage = usages.get(tenantId)
      if (usage === undefined) return
      usage.files += fileCount
      usage.bytes += bytes
    },
  }
}

export type Quota = ReturnType<typeof createQuota>
