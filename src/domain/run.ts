export const runStates = [
  'queued',
  'parsing',
  'applying',
  'archiving',
  'completed',
  'completed_with_failures',
  'held',
  'duplicate',
  'failed',
  'cancelled',
  'rejected',
  'reverted',
] as const
export type RunState = (typeof runStates)[number]

export const runEvents = [
  'parse',
  'apply',
  'archive',
  'complete',
  'completeWithFailures',
  'hold',
  'approve',
  'reject',
  'expire',
  'duplicate',
  'fail',
  'cancel',
  'revert',
] as const
export type RunEvent = (typeof runEvents)[number]

const none = {} as const

/**
 * State × event → next state; what is not here is not allowed (spec/http-api.md, run states).
 *
 * `duplicate`, `fail` and `cancel` still archive their file: the state says the outcome, and
 * `archivedAt` of the run says whether the file has been moved.
 */
export const runTransitions: Readonly<
  Record<RunState, Readonly<Partial<Record<RunEvent, RunState>>>>
> = {
  queued: { parse: 'parsing', fail: 'failed', cancel: 'cancelled' },
  parsing: {
    parse: 'parsing',
    apply: 'applying',
    archive: 'archiving',
    hold: 'held',
    duplicate: 'duplicate',
    fail: 'failed',
    cancel: 'cancelled',
  },
  applying: {
    parse: 'parsing',
    apply: 'applying',
    archive: 'archiving',
    hold: 'held',
    fail: 'failed',
    cancel: 'cancelled',
  },
  archiving: {
    parse: 'parsing',
    archive: 'archiving',
    complete: 'completed',
    completeWithFailures: 'completed_with_failures',
  },
  held: { approve: 'queued', reject: 'rejected', expire: 'rejected' },
  completed: { revert: 'reverted' },
  completed_with_failures: { revert: 'reverted' },
  cancelled: { revert: 'reverted' },
  duplicate: none,
  failed: none,
  rejected: none,
  reverted: none,
}

/** The state after `event`, or undefined when `state` does not allow it. */
export function nextState(state: RunState, event: RunEvent): RunState | undefined {
  return runTransitions[state][event]
}

/** States in which a worker has, or should have, the run. */
export const activeStates = ['queued', 'parsing', 'applying', 'archiving'] as const

export const runSources = ['sftp', 'ftps', 'http', 'console', 'folder'] as const
/** How the file came; `folder`: found in the drop folder by the sweep, put there by no session. */
export type RunSource = (typeof runSources)[number]

/** `rows = created + updated + unchanged + skipped + failed` holds in every state. */
export interface RunCounts {
  rows: number
  created: number
  updated: number
  unchanged: number
  skipped: number
  failed: number
  /** Users set inactive by a full file; not rows of the file. */
  deactivated: number
}

export const zeroCounts: Readonly<RunCounts> = {
  rows: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  deactivated: 0,
}

/** A reason of the whole file (level `file` or `warning`) with its finished sentence. */
export interface FileNotice {
  code: number
  sentence: string
}

export type MailState = 'none' | 'queued' | 'sent' | 'undelivered' | 'unconfigured'

/** One processing of one file. */
export interface Run {
  id: string
  tenantId: string
  /** The file name as the client wrote it. */
  filename: string
  source: RunSource
  /** Name of the account or token that brought the file; null when unknown. */
  actor: string | null
  mode: 'delta' | 'full'
  dryRun: boolean
  /** Skip the duplicate check (`retry?force=true`). */
  force: boolean
  /** A held run that was approved may pass the change guard. */
  approved: boolean
  state: RunState
  counts: RunCounts
  sizeBytes: number
  /** Lower-case hex; null until known. */
  sha256: string | null
  encoding: string | null
  delimiter: string | null
  columns: string[]
  ignoredColumns: string[]
  /** At most 100 notices of level `warning`, and of the file. */
  notices: FileNotice[]
  /** Why the file as a whole was not imported; null otherwise. */
  fileReason: FileNotice | null
  /** Failed rows by code. */
  reasons: { code: number; count: number }[]
  bytesRead: number
  rowsPerSecond: number
  createdAt: number
  startedAt: number | null
  finishedAt: number | null
  /** Path in the file store where the source is now: first in the drop folder, then `work/`, then `bak/`. */
  sourcePath: string
  archivedAt: number | null
  /** Path of the failure report in the file store. */
  reportPath: string | null
  mail: MailState
  /** Somebody wants it to stop; whichever process has it looks here, should it not have heard. */
  cancelAsked?: boolean
  /** Grows with each change; ETag and event id. */
  version: number
}
