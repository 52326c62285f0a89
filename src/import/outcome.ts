import type { LedgerState } from '../domain/directory.ts'
import { startOfNextDay } from '../domain/day.ts'
import { newId } from '../domain/id.ts'
import { archivePath, dropPath, incompleteName, workPath } from '../domain/layout.ts'
import { nextState } from '../domain/run.ts'
import type { Run, RunEvent, RunState } from '../domain/run.ts'
import type { MailKind, OutboxMail } from '../domain/state.ts'
import type { Tenant } from '../domain/tenant.ts'
import { crashPoint } from './crash-point.ts'
import type { ImportResult, Workers } from './job.ts'
import type { QueueOptions } from './queue.ts'

export interface OutcomeOptions extends QueueOptions {
  /** Name of this server in Message-IDs. */
  mailHost: string
  /** Mails were put into the outbox. */
  onMail: () => void
  workers: Pick<Workers, 'scrub'>
}

// A client without a file has few mails.
const recentMails = 1000

type Outcome = NonNullable<LedgerState['outcome']>

const events: Readonly<Record<Outcome, RunEvent>> = {
  completed: 'complete',
  completed_with_failures: 'completeWithFailures',
  held: 'hold',
  duplicate: 'duplicate',
  failed: 'fail',
  cancelled: 'cancel',
}

/** The state after `event`; throws for one that the table does not allow. */
export function stateAfter(run: Pick<Run, 'id' | 'state'>, event: RunEvent): RunState {
  const next = nextState(run.state, event)
  if (next === undefined) throw new Error(`${run.id} is ${run.state}: it cannot ${event}`)
  return next
}

/**
 * Brings what the directory has of a run's end into the state: counts, archive, mails.
 *
 * Each step can be done again: after a kill the run is still active, and all of it is repeated.
 */
export function createOutcome(options: OutcomeOptions) {
  const { state, files, clock, log, mailHost, onMail, workers } = options
  const { runs, outbox } = state

  function newMail(
    given: Pick<OutboxMail, 'tenantId' | 'runId' | 'kind' | 'messageId'>,
    dueAt: number,
  ): OutboxMail {
    return {
      ...given,
      id: newId('mail', clock),
      state: 'queued',
      attempts: 0,
      nextAttemptAt: dueAt,
      createdAt: clock.now(),
      sentAt: null,
      lastAnswer: null,
      path: null,
      subject: null,
    }
  }

  /** Repeatable: of each kind a run has one mail. */
  async function addMails(run: Run, tenant: Tenant, kinds: readonly MailKind[]): Promise<void> {
    const now = clock.now()
    const { mailCompleted, timeZone } = tenant.settings
    for (const kind of kinds) {
      const digest = kind === 'completed' && mailCompleted === 'daily'
      const messageId = `${run.id}.${kind}@${mailHost}`
      const given = { tenantId: run.tenantId, runId: run.id, kind, messageId }
      await outbox.add(newMail(given, digest ? startOfNextDay(now, timeZone) : now))
    }
  }

  /** Where the file goes: half a file goes back into the drop folder, where it can be resumed. */
  function restingPlace(run: Run, tenant: Tenant): string {
    const cut = run.fileReason?.code === 9113 && (run.source === 'sftp' || run.source === 'ftps')
    if (!cut) return archivePath(run, run.fileReason !== null && run.fileReason.code !== 9111)
    const full = run.mode === 'full' && tenant.settings.mode !== 'full'
    const folder = run.dryRun ? 'test' : full ? 'full' : ''
    return dropPath(run.tenantId, folder, incompleteName(run.filename))
  }

  /** Moves the file out of `work/`, whatever the outcome was; repeatable. */
  async function archive(run: Run, tenant: Tenant, copied: boolean): Promise<Run> {
    const from = workPath(run.tenantId, run.id)
    const to = restingPlace(run, tenant)
    if (copied) await files.remove(from)
    else if ((await files.stat(from)) !== undefined) await files.move(from, to)
    crashPoint('after-archive')
    return runs.update(run.id, { sourcePath: to, archivedAt: clock.now() })
  }

  /** True when the archive has a copy without passwords, instead of the file itself. */
  async function scrubbed(run: Run, tenant: Tenant): Promise<boolean> {
    const to = restingPlace(run, tenant)
    if (!to.startsWith(dropPath(run.tenantId, 'bak', ''))) return false
    if ((await files.stat(workPath(run.tenantId, run.id))) === undefined) return false
    const copied = await workers.scrub({ run, tenant, to })
    crashPoint('after-scrub')
    return copied
  }

  return {
    addMails,

    /** Tells a client that never sent a file; once. */
    async addFirstSilence(tenant: Tenant): Promise<void> {
      const told = await outbox.list(tenant.id, recentMails)
      if (told.some(({ kind, runId }) => kind === 'silence' && runId === null)) return
      const messageId = `${tenant.id}.silence@${mailHost}`
      const given = { tenantId: tenant.id, runId: null, kind: 'silence', messageId } as const
      await outbox.add(newMail(given, clock.now()))
    },

    /** The last step of a run whose outcome was certain before a kill. */
    async archiveLate(run: Run, tenant: Tenant): Promise<void> {
      // Its state came first, so that nobody is told of what then did not come about.
      if (run.state === 'failed' || run.state === 'rejected') {
        await addMails(run, tenant, ['rejected'])
      }
      await archive(run, tenant, await scrubbed(run, tenant))
    },

    /** A run is over, or held; its mails go out afterwards. */
    async mirror(run: Run, tenant: Tenant, result: ImportResult, outcome: Outcome): Promise<Run> {
      const { state: ledger, reportPath, archived, rowsPerSecond } = result
      const { file } = ledger
      const event = events[outcome]
      const completes = event === 'complete' || event === 'completeWithFailures'
      const mails = ledger.mails
      let current = await runs.update(run.id, {
        ...(completes ? { state: stateAfter(run, 'archive') } : {}),
        counts: ledger.counts,
        reasons: ledger.reasons,
        notices: ledger.notices,
        fileReason: ledger.fileReason,
        reportPath: reportPath ?? run.reportPath,
        rowsPerSecond,
        ...(file === null
          ? {}
          : {
              sha256: file.sha256,
              sizeBytes: file.sizeBytes,
              bytesRead: file.sizeBytes,
              encoding: file.encoding,
              delimiter: file.delimiter,
              columns: file.columns,
              ignoredColumns: file.ignoredColumns,
            }),
        mail: mails.length > 0 && run.mail === 'none' ? 'queued' : run.mail,
      })
      crashPoint('after-mirror')
      await addMails(current, tenant, mails)
      crashPoint('after-outbox')
      if (outcome !== 'held') {
        const copied = archived || (outcome === 'failed' && (await scrubbed(current, tenant)))
        current = await archive(current, tenant, copied)
      }
      const finishedAt = outcome === 'held' ? null : clock.now()
      current = await runs.update(run.id, { state: stateAfter(current, event), finishedAt })
      if (result.faults.length > 0) {
        log.error('rows failed through a fault of ours', { run_id: run.id, faults: result.faults })
      }
      const { rows, created, updated, unchanged, failed } = current.counts
      log.info('import ended', {
        run_id: run.id,
        tenant: run.tenantId,
        state: current.state,
        rows,
        created,
        updated,
        unchanged,
        failed,
        rowsPerSecond,
      })
      onMail()
      return current
    },

    /** A run that never came to its rows, or whose file was refused by a person. */
    async close(
      run: Run,
      tenant: Tenant,
      event: 'fail' | 'cancel' | 'reject' | 'expire',
      changes: Partial<Pick<Run, 'fileReason'>> & { mails: readonly MailKind[] },
    ): Promise<Run> {
      const { mails, ...rest } = changes
      const state = stateAfter(run, event)
      const current = await runs.update(run.id, {
        ...rest,
        state,
        finishedAt: clock.now(),
        mail: mails.length > 0 && run.mail === 'none' ? 'queued' : run.mail,
      })
      crashPoint('after-close')
      await addMails(current, tenant, mails)
      const archived = await archive(current, tenant, await scrubbed(current, tenant))
      log.info('import ended', { run_id: run.id, tenant: run.tenantId, state })
      onMail()
      return archived
    },
  }
}

export type OutcomeKeeper = ReturnType<typeof createOutcome>
