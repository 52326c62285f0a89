import type { LedgerOutcome } from '../domain/directory.ts'
import type { FileNotice, RunCounts } from '../domain/run.ts'
import type { MailKind } from '../domain/state.ts'
import type { ImportJob } from './job.ts'

/** The mails that the outcome of a run causes (file-format.md section 8). */
export function mailsOf(
  { run, tenant }: ImportJob,
  outcome: LedgerOutcome | null,
  counts: RunCounts,
  fileReason: FileNotice | null,
): MailKind[] {
  const { settings } = tenant
  if (outcome === 'held') return ['held']
  if (fileReason?.code === 9113) return ['incomplete']
  if (outcome === 'failed') return ['rejected']
  if (run.dryRun) return ['dry-run']
  if (outcome === 'completed' || outcome === 'completed_with_failures' || outcome === 'cancelled') {
    const failures = counts.failed > 0 && settings.mailFailures
    if (failures) return ['failures']
    if (settings.mailCompleted !== 'never' && outcome !== 'cancelled') return ['completed']
  }
  return []
}
