import type { Clock } from '../src/domain/clock.ts'
import type { Importer } from '../src/domain/importer.ts'
import type { Run } from '../src/domain/run.ts'
import type { AuditStore, RunStore } from '../src/domain/state.ts'
import { audited } from './audit-trail.ts'
import type { Caller } from './auth.ts'
import { findRun } from './run-json.ts'

export interface RunOperationsOptions {
  runs: Pick<RunStore, 'get'>
  importer: Pick<Importer, 'approve' | 'reject' | 'cancel' | 'retry' | 'revert'>
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}

/**
 * What can be done with a run, for API and console alike; who wanted it is kept in the audit.
 *
 * All throw `not_found` for a run that is not the caller's, `conflict` when its state does not allow it.
 */
export function runOperations(options: RunOperationsOptions) {
  const { runs, importer } = options
  const record = audited(options)

  async function act(
    caller: Caller,
    id: string,
    action: string,
    work: (run: Run, actor: string) => Promise<Run>,
  ): Promise<Run> {
    const run = await findRun(runs, caller, id)
    const result = await work(run, caller.name ?? 'unknown')
    record(caller, { event: 'RUN', tenantId: run.tenantId, path: run.id, detail: action })
    return result
  }
  const withNote = (action: string, note: string | undefined): string =>
    note === undefined ? action : `${action}: ${note}`

  return {
    approve: (caller: Caller, id: string, note?: string): Promise<Run> =>
      act(caller, id, withNote('approve', note), (run, actor) => importer.approve(run.id, actor)),
    reject: (caller: Caller, id: string, note?: string): Promise<Run> =>
      act(caller, id, withNote('reject', note), (run, actor) => importer.reject(run.id, actor)),
    cancel: (caller: Caller, id: string, note?: string): Promise<Run> =>
      act(caller, id, withNote('cancel', note), (run) => importer.cancel(run.id)),
    retry: (caller: Caller, id: string, force: boolean): Promise<Run> =>
      act(caller, id, force ? 'retry by force' : 'retry', (run, actor) =>
        importer.retry(run.id, { force, actor }),
      ),
    revert: (caller: Caller, id: string, note?: string): Promise<Run> =>
      act(caller, id, withNote('revert', note), (run, actor) => importer.revert(run.id, actor)),
  }
}
