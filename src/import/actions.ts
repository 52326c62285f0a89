import { AppError } from '../domain/error.ts'
import type { Importer } from '../domain/importer.ts'
import { newId } from '../domain/id.ts'
import { workPath } from '../domain/layout.ts'
import { nextState } from '../domain/run.ts'
import type { Run, RunEvent } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import type { Tenant } from '../domain/tenant.ts'
import { crashPoint } from './crash-point.ts'
import type { Workers } from './job.ts'
import type { OutcomeKeeper } from './outcome.ts'
import { newRun } from './queue.ts'
import type { QueueOptions } from './queue.ts'

export interface ActionOptions extends QueueOptions {
  outcome: OutcomeKeeper
  workers: Pick<Workers, 'revert'>
  isBusy: (tenantId: string) => boolean
  /** Asks the worker, of this process or another, that has the run; calls `close` where none has it. */
  cancelOr: (run: Run, close: () => Promise<Run>) => Promise<Run>
  /** Runs `work` while no import of the tenant runs; throws `conflict` when one does. */
  exclusively: <T>(run: Run, work: () => Promise<T>) => Promise<T>
  nudge: () => void
}

const copyBytes = 1024 * 1024

/** What people do with runs; each throws `not_found`, or `conflict` when the state does not allow it. */
export function createActions(
  options: ActionOptions,
): Pick<Importer, 'cancel' | 'approve' | 'reject' | 'retry' | 'revert'> {
  const { state, files, clock, log, outcome, workers } = options
  const { runs } = state

  async function load(id: string): Promise<{ run: Run; tenant: Tenant }> {
    const run = await runs.get(id)
    const tenant = run && (await state.tenants.get(run.tenantId))
    if (run === undefined || tenant === undefined) {
      throw new AppError('not_found', `Cannot find the import "${id}": there is none of this id`)
    }
    return { run, tenant }
  }

  function allow(run: Run, event: RunEvent, verb: string): void {
    if (nextState(run.state, event) !== undefined) return
    throw new AppError('conflict', `Cannot ${verb} the import: it is ${run.state}`)
  }

  return {
    async cancel(runId) {
      const { run, tenant } = await load(runId)
      allow(run, 'cancel', 'cancel')
      return options.cancelOr(run, async () => {
        // It may have ended meanwhile.
        const { run: waiting } = await load(runId)
        allow(waiting, 'cancel', 'cancel')
        return outcome.close(waiting, tenant, 'cancel', { mails: [] })
      })
    },

    async approve(runId, actor) {
      const { run } = await load(runId)
      allow(run, 'approve', 'approve')
      const approved = await runs.update(run.id, {
        state: 'queued',
        cancelAsked: false,
        approved: true,
        fileReason: null,
      })
      log.info('import approved', { run_id: run.id, tenant: run.tenantId, actor })
      options.nudge()
      return approved
    },

    async reject(runId, actor) {
      const { run, tenant } = await load(runId)
      allow(run, 'reject', 'reject')
      log.info('import rejected', { run_id: run.id, tenant: run.tenantId, actor })
      return outcome.close(run, tenant, 'reject', { mails: ['rejected'] })
    },

    async retry(runId, { force, actor }) {
      const { run, tenant } = await load(runId)
      if (run.archivedAt === null) {
        throw new AppError(
          'conflict',
          `Cannot retry the import: it is ${run.state} and not archived yet, wait for its end`,
        )
      }
      const id = newId('run', clock)
      const sourcePath = workPath(tenant.id, id)
      const { sizeBytes } = await copy(files, run.sourcePath, sourcePath)
      const { tenantId, filename, source, mode, dryRun } = run
      const again = newRun(clock, {
        id,
        tenantId,
        filename,
        source,
        actor,
        mode,
        dryRun,
        force,
        sourcePath,
        sizeBytes,
      })
      crashPoint('after-copy')
      await runs.create(again)
      options.nudge()
      return again
    },

    async revert(runId, actor) {
      const { run } = await load(runId)
      allow(run, 'revert', 'revert')
      if (run.dryRun) {
        throw new AppError(
          'conflict',
          'Cannot revert the import: it was a dry run, nothing changed',
        )
      }
      return options.exclusively(run, async () => {
        // Ids sort by time: later imports see that users were changed after the run.
        const by = newId('run', clock)
        const result = await workers.revert({ tenantId: run.tenantId, runId: run.id, by })
        crashPoint('after-revert')
        log.info('import reverted', { run_id: run.id, tenant: run.tenantId, actor, ...result })
        return runs.update(run.id, { state: 'reverted' })
      })
    },
  }
}

async function copy(files: FileStore, from: string, to: string): Promise<{ sizeBytes: number }> {
  const reader = await files.openRead(from)
  try {
    const staged = await files.openWrite(to)
    try {
      for (;;) {
        const chunk = await reader.read(staged.size, copyBytes)
        if (chunk.length === 0) break
        await staged.write(staged.size, chunk)
      }
      return { sizeBytes: (await staged.commit()).size }
    } catch (error) {
      await staged.abort()
      throw error
    }
  } finally {
    await reader.close()
  }
}
