import type { Clock } from '../domain/clock.ts'
import { newId } from '../domain/id.ts'
import { workPath } from '../domain/layout.ts'
import type { Log } from '../domain/log.ts'
import { zeroCounts } from '../domain/run.ts'
import type { Run } from '../domain/run.ts'
import type { Drop, StateStore } from '../domain/state.ts'
import type { FileStore } from '../domain/storage.ts'
import type { Tenant } from '../domain/tenant.ts'
import { crashPoint } from './crash-point.ts'

export interface QueueOptions {
  state: StateStore
  files: FileStore
  clock: Clock
  log: Log
}

/** A run that has not begun, with what every run of the file has in common. */
export function newRun(
  clock: Clock,
  given: Pick<Run, 'tenantId' | 'filename' | 'source' | 'actor' | 'sourcePath'> & Partial<Run>,
): Run {
  return {
    id: newId('run', clock),
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'queued',
    counts: { ...zeroCounts },
    sizeBytes: 0,
    sha256: null,
    encoding: null,
    delimiter: null,
    columns: [],
    ignoredColumns: [],
    notices: [],
    fileReason: null,
    reasons: [],
    bytesRead: 0,
    rowsPerSecond: 0,
    createdAt: clock.now(),
    startedAt: null,
    finishedAt: null,
    archivedAt: null,
    reportPath: null,
    mail: 'none',
    version: 1,
    ...given,
  }
}

/** Turns settled drops into queued runs, each exactly once; the file moves to where no client can change it. */
export function createQueue({ state, files, clock, log }: QueueOptions) {
  const { drops, runs, tenants } = state

  async function claim(tenant: Tenant, drop: Drop): Promise<void> {
    const file = await files.stat(drop.path)
    if (file === undefined) {
      // Deleted beside the service: there is nothing to import.
      await drops.remove(drop.tenantId, drop.id)
      return
    }
    const run = newRun(clock, {
      tenantId: drop.tenantId,
      filename: drop.filename,
      source: drop.source,
      actor: drop.actor,
      sourcePath: drop.path,
      sizeBytes: file.size,
      sha256: drop.sha256,
      mode: drop.folder === 'full' ? 'full' : tenant.settings.mode,
      dryRun: drop.folder === 'test',
    })
    if (!(await drops.claim(drop, run))) return
    crashPoint('after-claim')
    await toWork(run)
    log.info('import queued', { run_id: run.id, tenant: run.tenantId, source: run.source })
  }

  /** Moves the file of a claimed run to `work/`; done already after a kill, mostly. */
  async function toWork(run: Run): Promise<Run> {
    const path = workPath(run.tenantId, run.id)
    if (run.sourcePath === path) return run
    await files.move(run.sourcePath, path)
    crashPoint('after-move')
    return runs.update(run.id, { sourcePath: path })
  }

  return {
    /** Claims every drop that is ready; they are imported in the order of their commits. */
    async claimReady(): Promise<void> {
      const now = clock.now()
      for (const tenantId of await drops.readyTenants(now)) {
        const tenant = await tenants.get(tenantId)
        if (tenant === undefined) continue
        // Renames, deletions and overwrites of the same names take the same lock.
        await state.exclusive(tenantId, async () => {
          for (const drop of await drops.list(tenantId)) {
            if (drop.readyAt <= now) await claim(tenant, drop)
          }
        })
      }
    },
    /** The same for a run that is not being claimed just now: no upload of the same name comes in between. */
    async toWorkAlone(run: Run): Promise<Run> {
      if (run.sourcePath === workPath(run.tenantId, run.id)) return run
      return state.exclusive(run.tenantId, async () => toWork((await runs.get(run.id)) ?? run))
    },
  }
}
