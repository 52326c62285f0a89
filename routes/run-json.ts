import type { Run } from '../src/domain/run.ts'

const time = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString()

/** A run as the HTTP interface shows it: no path of the store, times in RFC 3339. */
export function runJson(run: Run) {
  const { id, tenantId, filename, source, actor, mode, dryRun, state, counts } = run
  const share = run.sizeBytes === 0 ? 1 : Math.min(1, run.bytesRead / run.sizeBytes)
  return {
    id,
    tenantId,
    filename,
    source,
    actor,
    mode,
    dryRun,
    state,
    counts,
    progress: run.finishedAt === null ? share : 1,
    rowsPerSecond: run.rowsPerSecond,
    sizeBytes: run.sizeBytes,
    sha256: run.sha256,
    encoding: run.encoding,
    delimiter: run.delimiter,
    columns: run.columns,
    ignoredColumns: run.ignoredColumns,
    warnings: run.notices,
    fileReason: run.fileReason,
    reasons: run.reasons,
    mail: run.mail,
    notification: run.mail,
    createdAt: time(run.createdAt),
    startedAt: time(run.startedAt),
    finishedAt: time(run.finishedAt),
    links: {
      self: `/imports/${id}`,
      ...(run.reportPath === null ? {} : { failures: `/imports/${id}/failures.csv` }),
    },
  }
}
