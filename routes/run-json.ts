import { z } from 'zod'
import { AppError } from '../src/domain/error.ts'
import { isId } from '../src/domain/id.ts'
import { activeStates, runSources, runStates } from '../src/domain/run.ts'
import type { Run } from '../src/domain/run.ts'
import type { RunStore } from '../src/domain/state.ts'
import type { Caller } from './auth.ts'

const count = z.number().int()
const time = z.iso.datetime().nullable()
const notice = z.strictObject({ code: count, sentence: z.string() }).meta({ id: 'Notice' })
const mailStates = ['none', 'queued', 'sent', 'undelivered', 'unconfigured'] as const

/** A run as the HTTP interface shows it. */
export const runSchema = z
  .strictObject({
    id: z.string().meta({ examples: ['run_0199a1b2-7c00-7000-8000-000000000000'] }),
    tenantId: z.string(),
    filename: z.string().meta({ description: 'As the client wrote it' }),
    source: z.enum(runSources),
    actor: z.string().nullable().meta({ description: 'Account or token that brought the file' }),
    mode: z.enum(['delta', 'full']),
    dryRun: z.boolean(),
    state: z.enum(runStates),
    counts: z
      .strictObject({
        rows: count,
        created: count,
        updated: count,
        unchanged: count,
        skipped: count,
        failed: count,
        deactivated: count,
      })
      .meta({
        id: 'Counts',
        description: 'rows = created + updated + unchanged + skipped + failed',
      }),
    progress: z.number().min(0).max(1).meta({ description: 'Share of the file that was read' }),
    rowsPerSecond: z.number(),
    sizeBytes: count,
    sha256: z.string().nullable(),
    encoding: z.string().nullable(),
    delimiter: z.string().nullable(),
    columns: z.array(z.string()),
    ignoredColumns: z.array(z.string()),
    warnings: z.array(notice),
    fileReason: notice.nullable().meta({ description: 'Why the file as a whole was refused' }),
    reasons: z
      .array(z.strictObject({ code: count, count }))
      .meta({ description: 'Failed rows by code' }),
    mail: z.enum(mailStates),
    notification: z.enum(mailStates).meta({ description: 'The same as `mail`' }),
    createdAt: time,
    startedAt: time,
    finishedAt: time,
    archivedAt: time,
    links: z.strictObject({
      self: z.string(),
      events: z.string(),
      failures: z.string().optional().meta({ description: 'Failed rows as JSON' }),
      report: z.string().optional().meta({ description: 'Failed rows as a CSV to correct' }),
      source: z.string().optional().meta({ description: 'The archived file' }),
    }),
  })
  .meta({ id: 'Run' })

/** `milliseconds` since 1970 as RFC 3339. */
export function timeJson(milliseconds: number): string
export function timeJson(milliseconds: number | null): string | null
export function timeJson(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString()
}

/** A run as the HTTP interface shows it: no path of the store, times in RFC 3339. */
export function runJson(run: Run): z.infer<typeof runSchema> {
  const share = run.sizeBytes === 0 ? 0 : Math.min(1, run.bytesRead / run.sizeBytes)
  const self = `/imports/${run.id}`
  return {
    id: run.id,
    tenantId: run.tenantId,
    filename: run.filename,
    source: run.source,
    actor: run.actor,
    mode: run.mode,
    dryRun: run.dryRun,
    state: run.state,
    counts: run.counts,
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
    createdAt: timeJson(run.createdAt),
    startedAt: timeJson(run.startedAt),
    finishedAt: timeJson(run.finishedAt),
    archivedAt: timeJson(run.archivedAt),
    links: {
      self,
      events: `${self}/events`,
      ...(run.counts.failed > 0 ? { failures: `${self}/failures` } : {}),
      ...(run.reportPath === null ? {} : { report: `${self}/failures.csv` }),
      ...(run.archivedAt === null ? {} : { source: `${self}/source.csv` }),
    },
  }
}

// A store gives the same object for the same version of a run: its text lives as long.
const texts = new WeakMap<Run, string>()

/** The same as text: made once for a run that is asked for again and again. */
export function runText(run: Run): string {
  const known = texts.get(run)
  if (known !== undefined) return known
  const text = JSON.stringify(runJson(run))
  texts.set(run, text)
  return text
}

/** The ETag of a run: everything that is shown of it changes with its version. */
export function runTag(run: Run): string {
  return `"${run.version}"`
}

/** True when nothing of the run will change by itself any more. */
export function isSettled(run: Run): boolean {
  const active = activeStates.some((state) => state === run.state)
  return !active && run.state !== 'held' && run.archivedAt !== null && run.mail !== 'queued'
}

/**
 * The run of this id, when the caller may know of it.
 *
 * Throws `not_found`; a run of another client is as unknown as one that never was.
 */
export async function findRun(
  runs: Pick<RunStore, 'get'>,
  caller: Caller,
  id: string,
): Promise<Run> {
  const run = isId('run', id) ? await runs.get(id) : undefined
  if (run === undefined || (caller.scope !== 'operator' && run.tenantId !== caller.tenantId)) {
    throw new AppError(
      'not_found',
      `Cannot find the import "${id.slice(0, 60)}": there is none of this id`,
    )
  }
  return run
}
