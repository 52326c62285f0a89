import type { Run } from '../domain/run.ts'
import type { MailKind } from '../domain/state.ts'
import type { Tenant } from '../domain/tenant.ts'
import { counted, figure, oneLine } from '../domain/figures.ts'

// Longer names are cut in the subject only, so that its point stays in view.
const maxName = 80

function failedRows({ counts }: Run): string {
  return `${figure(counts.failed)} of ${counted(counts.rows, 'row')}`
}

function several(kind: MailKind, runs: readonly Run[]): string {
  const failed = runs.reduce((sum, run) => sum + run.counts.failed, 0)
  const rows = runs.reduce((sum, run) => sum + run.counts.rows, 0)
  if (kind === 'completed' && failed === 0) {
    return `${counted(runs.length, 'file')}: ${counted(rows, 'row')} imported`
  }
  return `${counted(runs.length, 'file')}: ${figure(failed)} of ${counted(rows, 'row')} failed`
}

const aboutRun: Readonly<Record<MailKind, (run: Run) => string>> = {
  failures: (run) => `${failedRows(run)} failed`,
  rejected: () => 'not imported',
  held: () => 'held, waiting for your approval',
  completed: ({ counts }) =>
    counts.failed === 0
      ? `${counted(counts.rows, 'row')} imported`
      : `${counted(counts.rows - counts.failed, 'row')} imported, ${figure(counts.failed)} failed`,
  silence: () => 'no file since then',
  'dry-run': (run) =>
    run.counts.failed === 0
      ? `dry run, all ${counted(run.counts.rows, 'row')} would be imported`
      : `dry run, ${failedRows(run)} would fail`,
  incomplete: () => 'upload incomplete, not imported',
  test: () => 'test mail',
}

const aboutTenant: Readonly<Record<MailKind, (tenant: Tenant) => string>> = {
  failures: ({ name }) => `${name}: rows failed`,
  rejected: ({ name }) => `${name}: a file was not imported`,
  held: ({ name }) => `${name}: a file is held, waiting for your approval`,
  completed: ({ name }) => `${name}: imports completed`,
  silence: ({ name, settings }) =>
    `${name}: no file for ${counted(settings.silenceHours ?? 0, 'hour')}`,
  'dry-run': ({ name }) => `${name}: dry run`,
  incomplete: ({ name }) => `${name}: an upload was incomplete and not imported`,
  test: ({ name }) => `${name}: test mail, both mail settings work`,
}

/** The subject of a mail about `runs`, such as `users.csv: 12 of 4,310 rows failed`. */
export function subjectOf(kind: MailKind, tenant: Tenant, runs: readonly Run[]): string {
  const [first] = runs
  if (first === undefined) return oneLine(aboutTenant[kind](tenant), 2 * maxName)
  if (runs.length > 1) return several(kind, runs)
  return `${oneLine(first.filename, maxName)}: ${aboutRun[kind](first)}`
}
