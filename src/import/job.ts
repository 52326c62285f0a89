import type { FileNotice, Run, RunCounts } from '../domain/run.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { LedgerOutcome, LedgerPhase, LedgerState, RevertResult } from '../domain/directory.ts'

/** What a worker is told about the run that it does. */
export interface ImportJob {
  run: Run
  tenant: Tenant
  /** The client's last import; null when there is none. */
  previous: { id: string; sha256: string | null; failed: number; columns: string[] } | null
}

/** How far a run is; a worker sends it at most five times a second. */
export interface ImportProgress {
  phase: LedgerPhase
  counts: RunCounts
  bytesRead: number
  rowsPerSecond: number
}

/** How a run ended, as the ledger has it. */
export interface ImportResult {
  /** Undefined: stopped at a batch, to be gone on with. */
  outcome: LedgerOutcome | undefined
  state: LedgerState
  /** Path of the failure report in the file store; null when no row failed. */
  reportPath: string | null
  /** True when a copy without passwords was put into the archive, so that the source is to be removed. */
  archived: boolean
  rowsPerSecond: number
  /** What was wrong with rows that failed through us (9117), of the first of them. */
  faults: string[]
}

/** What a running import is asked to do; read between batches. */
export type StopWish = 'no' | 'stop' | 'cancel'

/** A run in a worker. */
export interface RunningImport {
  /** Rejects when the worker died or met a fault of ours: the run may be tried again. */
  readonly result: Promise<ImportResult>
  /** At a batch: `stop` to go on later, `cancel` for good. */
  ask(wish: 'stop' | 'cancel'): void
}

/** What is to be taken back, and the id under which that is remembered. */
export interface RevertJob {
  tenantId: string
  runId: string
  by: string
}

/** Whose file is to be copied without its passwords, and where to. */
export interface ScrubJob {
  run: Run
  tenant: Tenant
  to: string
}

/** Where the work on rows is done, away from the doors; the roof fills it by threads. */
export interface Workers {
  import(job: ImportJob, onProgress: (progress: ImportProgress) => void): RunningImport
  /**
   * Writes a copy without passwords to `to` where the file has a password column, and a note where its columns are not
   * known; true when it did either.
   */
  scrub(job: ScrubJob): Promise<boolean>
  /** Throws AppError `conflict` as Directory.revert does. */
  revert(job: RevertJob): Promise<RevertResult>
  /** A run is about to come: a worker is started for it, if none is free. */
  warm(): void
  /** Ends every worker; what runs is asked to stop beforehand. */
  close(): Promise<void>
}

/** A file that is not imported as a whole, and why. */
export class FileRefused extends Error {
  readonly notice: FileNotice

  constructor(notice: FileNotice) {
    super(notice.sentence)
    this.name = 'FileRefused'
    this.notice = notice
  }
}
