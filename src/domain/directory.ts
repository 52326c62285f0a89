import type { RowFailure, RowReason } from './importer.ts'
import type { FileNotice, RunCounts } from './run.ts'
import type { MailKind } from './state.ts'
import type { CheckedRow, StoredField } from './user.ts'

/** How far the ledger of a run has come; each step is committed before the next begins. */
export const ledgerPhases = ['scanning', 'applying', 'settling', 'done'] as const
export type LedgerPhase = (typeof ledgerPhases)[number]

export type LedgerOutcome =
  | 'completed'
  | 'completed_with_failures'
  | 'held'
  | 'duplicate'
  | 'failed'
  | 'cancelled'

/** What was found out about the file before its first row. */
export interface FileFacts {
  sha256: string
  sizeBytes: number
  encoding: string
  delimiter: string
  columns: string[]
  ignoredColumns: string[]
}

/** What is durable of a run: after a kill it goes on from here. */
export interface LedgerState {
  phase: LedgerPhase
  /** Byte of the source, as it is read, where the next record begins. */
  position: number
  /** Physical line of that record, from 1. */
  line: number
  counts: RunCounts
  /** Failed rows by code. */
  reasons: { code: number; count: number }[]
  file: FileFacts | null
  notices: FileNotice[]
  fileReason: FileNotice | null
  outcome: LedgerOutcome | null
  /** Mails that the outcome causes. */
  mails: MailKind[]
}

/** How the rows of one file are stored. */
export interface RowPlan {
  /** Aligned with `values` of the rows. */
  fields: readonly StoredField[]
  /** What a new user gets where the row says nothing. */
  defaultLoginSource: string | null
  /** Why no row of this file can create a user; empty mostly. */
  createReasons: readonly RowReason[]
  /** Header of a field as the client wrote it. */
  headers: Readonly<Partial<Record<StoredField, string>>>
}

/** A checked row with its fingerprint and the failure that it would be, without reasons. */
export interface ImportRow {
  row: CheckedRow
  /** Fingerprint of the raw record; 0: none is kept. */
  hash: number
  failure(): RowFailure
}

export type RowOutcome =
  | 'created'
  | 'updated'
  | 'unchanged'
  /** Its email or username belongs to a user whose own row may still come: decided by `settle`. */
  | 'deferred'
  | { reasons: RowReason[] }

/** A row that waited for others, and the failure that it would be, without reasons. */
export interface DeferredRow {
  readonly row: CheckedRow
  readonly failure: RowFailure
}

/** What a row finds its user by. */
export interface RowKeys {
  uuid: string | null
  emailKey: string | null
}

/** What no two users may share. */
export interface UniqueKeys {
  emailKey: string | null
  usernameKey: string | null
}

/** A user that a row is about, and the keys that it has so far. */
export interface FoundUser extends UniqueKeys {
  id: number
}

/** The users who have an email and a username. */
export interface Holders {
  email: number | undefined
  username: number | undefined
}

/** A row of another line of the file that has the same key. */
export interface Verdict {
  line: number
  /** Null: it repeats the row in `lines`, and is skipped; else the reasons why all of them fail. */
  reasons: RowReason[] | null
  lines: number[]
}

/** One key of one row, for finding rows with the same key. */
export interface KeySighting {
  /** The header of the key column. */
  field: string
  key: string
  /** As the client wrote it. */
  value: string
  line: number
  /** Same content, same number. */
  content: number
}

/** Records that failed by what stands in them alone, in an earlier run with the same rules: they fail again alike. */
export interface FailedBefore {
  /** Fingerprints, in the order of the lines. */
  readonly hashes: readonly number[]
  /** The codes of the `index`-th, from 1. */
  codes(index: number): readonly number[]
}

/**
 * The durable side of one import run; everything between two commits is one transaction.
 *
 * Only one ledger of a directory is open at a time.
 */
export interface Ledger {
  /** Undefined: the run is new. */
  readonly stored: LedgerState | undefined
  /** Highest user id so far; ids from here on are made by this run. */
  readonly lastUserId: number
  /** Every kept fingerprint: those of users who follow each other, from `first` on; 0 where there is none. */
  fingerprints(visit: (first: number, hashes: Float64Array) => void): Promise<void>
  /** Must be called before `apply`. */
  plan(plan: RowPlan): void
  /**
   * Says, before `apply`, that about so many rows come, of which no two have a key in common: a directory without
   * users may store them all before it indexes them. True: they are to be committed, as `settling`, before `settle`,
   * which then commits more than once.
   */
  expect(rows: number): boolean
  /** How many rows `apply` is best given at once. */
  readonly rowsAtOnce: number
  /** Matches and stores rows, each on its own (spec/file-format.md section 4). */
  apply(rows: readonly ImportRow[]): Promise<RowOutcome[]>
  /**
   * Records that this run need not check: `rules` is a number for all that rows are checked by. Of the runs of late,
   * those of the one that most failed in.
   */
  failedBefore(rules: number): Promise<FailedBefore>
  /** Keeps the failure of a row; `hash`: fingerprint of its record when nothing else bears on it, else 0. */
  fail(failure: RowFailure, hash: number): Promise<void>
  /** Keeps for `line` the failure of the `index`-th record that failed before. */
  failAgain(line: number, index: number): Promise<void>
  /** Decides the deferred rows, and hands back the outcome of each. */
  settle(each: (outcome: RowOutcome, deferred: DeferredRow) => Promise<void>): Promise<void>
  /** Rows of the file that share a key, to be judged by `judge`. */
  sight(sightings: readonly KeySighting[]): Promise<void>
  /** Turns the sightings into verdicts. */
  judge(): Promise<void>
  /** Verdicts from `line` on, in the order of the file. */
  verdicts(line: number, limit: number): Promise<Verdict[]>
  /**
   * Begins to look up users that `find` and `apply` will be asked for, after `plan`; nobody waits for it. `likely`:
   * numbers of users who may be those, or any others. Where it is missing that would save nothing.
   */
  lookAhead?: (uuids: readonly string[], likely?: readonly number[]) => void
  /**
   * The users that rows with these keys are about: the one of the UUID, else the one of the email, unless the row
   * has a UUID and that user another; undefined where there is none.
   */
  find(keys: readonly RowKeys[]): Promise<(FoundUser | undefined)[]>
  /** Who has these keys. */
  holders(keys: readonly UniqueKeys[]): Promise<Holders[]>
  /** Keeps what the scan has found, for the batches after a kill: users met in the file, one bit a user, and more. */
  keepPresence(users: Uint8Array): Promise<void>
  presence(): Promise<Uint8Array | undefined>
  /** Active users that imports own, and how many of them are not present. */
  absent(present: Uint8Array): Promise<{ active: number; absent: number }>
  /** Sets absent users inactive; how many. */
  deactivate(present: Uint8Array): Promise<number>
  /** Ends the batch durably with `state`. */
  commit(state: LedgerState): Promise<void>
  /** Drops what is not committed, and frees what the ledger holds. */
  close(): Promise<void>
}

export interface LedgerOptions {
  runId: string
  /** Nothing is stored but the failures and the state. */
  dryRun: boolean
  now(): number
  /** Told of a row that could not be stored through a fault of ours (9117), so that somebody looks at it. */
  onFault?(error: unknown): void
  /** A PHC string; called for users who are created with a password. */
  hashPassword(password: string): Promise<string>
}

/** What of a user is undone or shown when an import is taken back. */
export interface RevertResult {
  /** Users that were created by the run and are gone now. */
  removed: number
  /** Users that have what they had before the run. */
  restored: number
}

/** A user as the directory keeps it. */
export interface DirectoryUser {
  fields: Record<StoredField, string | null>
  active: boolean
  hasPassword: boolean
  createdAt: number
  changedAt: number
}

/** The users of one tenant, and the ledgers of its imports. `src/db/` fills it. */
export interface Directory {
  begin(options: LedgerOptions): Promise<Ledger>
  /** Failed rows in file order, after the line `after`. */
  failures(
    runId: string,
    options: { after?: number; limit: number; code?: number },
  ): Promise<RowFailure[]>
  /** True when a row of the run could not be split. */
  hasRawFailures(runId: string): Promise<boolean>
  /** The run that last changed a user; null when none has. */
  changedBy(): Promise<string | null>
  /** Identifiers stored so far, for their shape. */
  identifiers(field: StoredField): Promise<string[]>
  users(options: { after?: number; limit: number }): Promise<DirectoryUser[]>
  /** Enters the names of users that imports have changed since it was last called: then a search finds them. */
  enterNames(): Promise<void>
  /** Throws AppError `conflict`, naming them, when users were changed since. `by`: id of the change. */
  revert(runId: string, by: string, now: number): Promise<RevertResult>
  close(): Promise<void>
}
