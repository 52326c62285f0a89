import type { Clock } from '../domain/clock.ts'
import type { Claim } from '../domain/drop.ts'
import { AppError } from '../domain/error.ts'
import { clientFolders, dropPath, dropRoot, generationsRoot, workRoot } from '../domain/layout.ts'
import type { FileStore } from '../domain/storage.ts'
import type { DropLimits } from './limits.ts'

// A listing of 10,000 files takes a tenth of a second: not one for each of 1,000 small files.
const freshMs = 5_000

interface Usage {
  files: number
  bytes: number
  at: number
}

interface Space {
  freeBytes: number
  /** Bytes claimed since it was asked for. */
  claimed: number
  at: number
}

/** What each client has in its drop folder, and what is left for it. */
export function createQuota(options: { files: FileStore; clock: Clock; limits: DropLimits }) {
  const { files, clock, limits } = options
  const usages = new Map<string, Usage>()
  /** Uploads under way: they count before they are files, or 64 at once would go past any limit. */
  const underWay = new Map<string, { files: number; bytes: number }>()
  let space: Space | undefined

  async function usageOf(tenantId: string): Promise<Usage> {
    const known = usages.get(tenantId)
    if (known !== undefined && clock.now() - known.at < freshMs) return known
    const usage: Usage = { files: 0, bytes: 0, at: clock.now() }
    const folders = [
      dropRoot(tenantId),
      ...clientFolders.map((name) => dropPath(tenantId, '', name)),
      // Older generations wait for their imports: whoever overwrites one name fills the disk as well.
      generationsRoot(tenantId),
      // What is being imported, and what came by HTTP.
      workRoot(tenantId),
    ]
    // At once: in a bucket each is a round trip, and an upload waits for them.
    for (const found of await Promise.all(folders.map((folder) => files.list(folder)))) {
      usage.files += found.length
      for (const { size } of found) usage.bytes += size
    }
    usages.set(tenantId, usage)
    return usage
  }

  async function disk(): Promise<Space> {
    if (space === undefined || clock.now() - space.at > freshMs) {
      const found = await files.space()
      space = { freeBytes: found?.freeBytes ?? Infinity, claimed: 0, at: clock.now() }
    }
    return space
  }

  async function left(tenantId: string): Promise<{ freeBytes: number; totalBytes: number }> {
    const [usage, { freeBytes, claimed }] = [await usageOf(tenantId), await disk()]
    const quota = limits.clientBytes - usage.bytes - (underWay.get(tenantId)?.bytes ?? 0)
    return {
      freeBytes: Math.max(0, Math.min(quota, freeBytes - claimed - limits.freeBytes)),
      totalBytes: limits.clientBytes,
    }
  }

  function noSpace(): AppError {
    return new AppError(
      'out_of_space',
      'Cannot store the file: no space is left for this drop folder, delete files or try later',
    )
  }

  return {
    left,
    /**
     * An upload begins. Throws AppError `too_many` or `out_of_space` when none may.
     *
     * `startBytes`: what it goes on from, which is in the folder already.
     */
    async claim(tenantId: string, startBytes = 0): Promise<Claim> {
      const count = (await usageOf(tenantId)).files + (underWay.get(tenantId)?.files ?? 0)
      if (count >= limits.files) {
        throw new AppError(
          'too_many',
          `Cannot store the file: the drop folder has ${count} files, delete some first`,
        )
      }
      if ((await left(tenantId)).freeBytes === 0) throw noSpace()
      const all = underWay.get(tenantId) ?? { files: 0, bytes: 0 }
      underWay.set(tenantId, all)
      all.files += 1
      let claimed = 0
      let released = false
      return {
        async grow(size) {
          const more = size - startBytes - claimed
          if (more <= 0 || released) return
          if (more > (await left(tenantId)).freeBytes) throw noSpace()
          claimed += more
          all.bytes += more
          if (space !== undefined) space.claimed += more
        },
        release() {
          if (released) return
          released = true
          all.files -= 1
          all.bytes -= claimed
          if (all.files === 0) underWay.delete(tenantId)
        },
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
