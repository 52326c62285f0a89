import type { Run, RunSource } from './run.ts'

/** What the doors and the roof may ask of the import room; `src/import/` fills it. */
export interface Importer {
  /** Something may have become ready: look now. Cheap, and safe to call often. */
  nudge(): void
  /** Takes a file that came by no drop folder, such as an HTTP body; resolves when it is durable and queued. */
  submit(submission: Submission): Promise<Run>
  /** Whether `body`, which is read for it, is the file that `run` was made of: by length and SHA-256. */
  isFileOf(run: Run, body: AsyncIterable<Uint8Array>): Promise<boolean>
  /** Throws `not_found` or `conflict` (state does not allow it). */
  cancel(runId: string): Promise<Run>
  approve(runId: string, actor: string): Promise<Run>
  reject(runId: string, actor: string): Promise<Run>
  /** Imports the archived file again as a new run. */
  retry(runId: string, options: { force: boolean; actor: string }): Promise<Run>
  revert(runId: string, actor: string): Promise<Run>
  /** Failed rows in file order, after the line `after`. */
  failures(
    run: Run,
    options: { after?: number; limit: number; code?: number },
  ): Promise<RowFailure[]>
  /** Resumes what a dead process left, then works until the returned stop is called: at a batch, all durable. */
  start(): Promise<() => Promise<void>>
}

export interface Submission {
  /** Id of the run to be, for a caller that must find it again after a kill; default: a new one. */
  runId?: string
  tenantId: string
  filename: string
  source: RunSource
  actor: string | null
  dryRun?: boolean
  mode?: 'delta' | 'full'
  /** Throwing or ending with an error means: cut, nothing is kept. */
  body: AsyncIterable<Uint8Array>
  /** Bytes; above it `too_large`. */
  maxBytes: number
}

/** A row that was not imported, with all its reasons. */
export interface RowFailure {
  /** First physical line of the record, from 1. */
  line: number
  reasons: RowReason[]
  /** The client's own cells, in its order; the raw record when it could not be split. Passwords blank. */
  cells: string[]
  raw: string | null
}

/** One reason: its code, the header of the cell as the client wrote it, and the finished sentence with its remedy. */
export interface RowReason {
  code: number
  field: string | null
  sentence: string
}
