import type { Clock } from '../domain/clock.ts'
import { isAppError } from '../domain/error.ts'
import { newId } from '../domain/id.ts'
import { dropPath, generationPath, nameKind, workPath } from '../domain/layout.ts'
import type { RunSource } from '../domain/run.ts'
import type { Drop, StateStore } from '../domain/state.ts'
import type { FileStore } from '../domain/storage.ts'
import type { Place } from './names.ts'

export interface GenerationOptions {
  state: Pick<StateStore, 'drops' | 'runs' | 'shared' | 'tenants'>
  files: FileStore
  clock: Clock
  tenantId: string
  source: RunSource
  actor: string
}

// Of one name there is one at most; more runs than this do not wait for a move.
const claimedAtMost = 1_000

/**
 * Keeps the drops of a tenant in step with its files; every method belongs inside `state.exclusive`.
 *
 * Each commit of a name is a generation, and each is imported, in the order of the commits (transfer.md).
 */
export function createGenerations(options: GenerationOptions) {
  const { state, files, clock, tenantId } = options
  const { drops, runs } = state

  /**
   * A process that died between the claim of a file and its move: the run is taken over, but its file lies where
   * the next one goes. A single process moves it before it opens its doors.
   */
  async function moveClaimed(path: string): Promise<void> {
    if (!state.shared) return
    for (const run of await runs.list({ tenantId, states: ['queued'], limit: claimedAtMost })) {
      if (run.sourcePath !== path) continue
      const sourcePath = workPath(tenantId, run.id)
      await files.move(path, sourcePath)
      await runs.update(run.id, { sourcePath })
    }
  }

  return {
    /** The name is about to get other bytes: what waits there is set aside for its own import; false when nothing does. */
    async setAside(path: string): Promise<boolean> {
      const older = await drops.findAt(tenantId, path)
      if (older === undefined) {
        await moveClaimed(path)
        return false
      }
      const aside = generationPath(tenantId, older.id)
      // The file first: a row that points to nothing is found out, a file without a row is found by the sweep.
      try {
        await files.move(path, aside)
      } catch (error) {
        if (!isAppError(error, 'not_found')) throw error
        // Taken away on the disk by someone else: there is nothing to import, and the name is free.
        await drops.remove(tenantId, older.id)
        return false
      }
      await drops.update({ ...older, path: aside, readyAt: 0 })
      return true
    },
    /** The name goes, or its bytes are superseded by more of the same file: it is not imported any more. */
    async forget(path: string): Promise<Drop | undefined> {
      const drop = await drops.findAt(tenantId, path)
      if (drop === undefined) await moveClaimed(path)
      else await drops.remove(tenantId, drop.id)
      return drop
    },
    /** A file has settled at `place`; nothing is recorded for a name that is not imported. */
    async record(place: Place, sizeBytes: number, sha256: string | null): Promise<void> {
      if (nameKind(place.name) !== 'taken') return
      const tenant = await state.tenants.get(tenantId)
      const now = clock.now()
      await drops.record({
        id: newId('drop', clock),
        tenantId,
        path: dropPath(tenantId, place.folder, place.name),
        folder: place.folder,
        filename: place.name,
        sizeBytes,
        sha256,
        source: options.source,
        actor: options.actor,
        committedAt: now,
        readyAt: now + (tenant?.settings.settleSeconds ?? 2) * 1_000,
      })
    },
  }
}

export type Generations = ReturnType<typeof createGenerations>
