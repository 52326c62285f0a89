import type { Account, Session, Token } from './account.ts'
import type { Run, RunSource, RunState } from './run.ts'
import type { Tenant } from './tenant.ts'
import type { WebhookStore } from './webhook.ts'

/**
 * What the service knows besides the users themselves; `src/db/` fills it.
 *
 * Every method is atomic and durable when it resolves. Lists are newest first unless said otherwise.
 */
export interface StateStore {
  readonly tenants: TenantStore
  readonly accounts: AccountStore
  readonly tokens: TokenStore
  readonly drops: DropStore
  readonly runs: RunStore
  readonly outbox: OutboxStore
  readonly audit: AuditStore
  readonly idempotency: IdempotencyStore
  readonly sessions: SessionStore
  readonly webhooks: WebhookStore
  /** Runs `work` while nobody else, in any process, does so for the same tenant. Keep it short. */
  exclusive<T>(tenantId: string, work: () => Promise<T>): Promise<T>
  /** True when other processes may use the database too: what one of them leaves undone another takes up. */
  readonly shared: boolean
  /**
   * Makes this caller the one who does `what`, such as the imports of a tenant, until it calls what is returned;
   * undefined while another one, in any process, does. A process that dies lets go of everything.
   */
  own(what: string): Promise<(() => Promise<void>) | undefined>
  /** True for the first of all processes that asks in each period of `everyMs`; always true for a single one. */
  turn(what: string, everyMs: number): Promise<boolean>
  readonly signals: Signals
  /**
   * A number that is another one after every write: while it stays, what was read before is still stored.
   * Writes of other processes show in it up to 100 ms late. Undefined where that cannot be told without asking.
   */
  mark(): number | undefined
  /** Milliseconds that the database's clock, which all its processes go by, is ahead of this process's. */
  aheadMs(): number
  /** Throws when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** What processes tell each other about: tables with something new in them, or penalties of addresses. */
export const topics = ['drops', 'runs', 'outbox', 'penalties', 'cancel'] as const
export type Topic = (typeof topics)[number]

/** Words between the processes of one database; nobody hears them twice, and some may be missed. */
export interface Signals {
  /**
   * Tells the other processes; those about tables are sent by the database itself. What is kept is told to those too
   * that come later, until then; of each key the last.
   */
  send(topic: Topic, text: string, keep?: { key: string; until: number }): void
  /** Calls `listener` whenever another process has told; returns what ends that. */
  on(topic: Topic, listener: (text: string) => void): () => void
}

export interface TenantStore {
  /** Throws `exists` for a name in use. */
  create(tenant: Tenant): Promise<void>
  get(id: string): Promise<Tenant | undefined>
  findByName(name: string): Promise<Tenant | undefined>
  list(): Promise<Tenant[]>
  /** Stores `tenant` when its stored version is `settingsVersion`, and adds one; else `conflict`. */
  update(tenant: Tenant): Promise<Tenant>
}

export interface AccountStore {
  /** Throws `exists` for a name in use. */
  create(account: Account): Promise<void>
  get(tenantId: string, id: string): Promise<Account | undefined>
  findByName(name: string): Promise<Account | undefined>
  list(tenantId: string): Promise<Account[]>
  /** Those of `ids` that there are, in any order. */
  among(ids: readonly string[]): Promise<Account[]>
  update(account: Account): Promise<void>
  /** Exchanges the password hash when it is still `from`; false when it has changed meanwhile. */
  rehash(id: string, from: string, to: string): Promise<boolean>
  /** Keeps the time of the last login. */
  touch(id: string, at: number): Promise<void>
  remove(tenantId: string, id: string): Promise<boolean>
}

export interface TokenStore {
  create(token: Token): Promise<void>
  findByHash(hash: string): Promise<Token | undefined>
  list(tenantId: string | null): Promise<Token[]>
  /** Stores all but the time of the last use, so that a use at the same time undoes no revocation. */
  update(token: Token): Promise<void>
  /** Keeps the time of the last use. */
  touch(id: string, at: number): Promise<void>
}

/** One committed generation of a file in a drop folder that waits to be claimed. */
export interface Drop {
  id: string
  tenantId: string
  /** Path in the file store; moves when a newer generation takes the name. */
  path: string
  /** '' for the drop folder itself, else `test` or `full`. */
  folder: string
  filename: string
  sizeBytes: number
  /** From the digest taken during the upload; null when it was not written in order. */
  sha256: string | null
  source: RunSource
  actor: string | null
  committedAt: number
  /** Not claimed before; 0 for a generation that nobody can change any more. */
  readyAt: number
}

export interface DropStore {
  record(drop: Drop): Promise<void>
  /** The drop that is at `path` and not claimed yet. */
  findAt(tenantId: string, path: string): Promise<Drop | undefined>
  update(drop: Drop): Promise<void>
  remove(tenantId: string, id: string): Promise<void>
  /** Unclaimed drops of a tenant, oldest commit first. */
  list(tenantId: string): Promise<Drop[]>
  /** When the earliest unclaimed drop of any tenant becomes ready; undefined when there is none. */
  nextReadyAt(): Promise<number | undefined>
  /** Tenants with a drop that is ready at `now`. */
  readyTenants(now: number): Promise<string[]>
  /** Exchanges the drop for a queued run in one transaction; false when another has claimed it. */
  claim(drop: Drop, run: Run): Promise<boolean>
}

export interface RunFilter {
  tenantId?: string
  states?: readonly RunState[]
  source?: RunSource
  filename?: string
  since?: number
  until?: number
  /** Only runs made before the run of this id. */
  before?: string
  limit: number
}

/** What a tenant's imports did on one day, without dry runs. */
export interface DayFigures {
  /** `2026-01-31`, in UTC. */
  day: string
  runs: number
  rows: number
  failed: number
}

export interface RunStore {
  create(run: Run): Promise<void>
  get(id: string): Promise<Run | undefined>
  list(filter: RunFilter): Promise<Run[]>
  /** Stores `changes` and adds one to `version`; returns the run as stored. Throws `not_found`. */
  update(id: string, changes: Partial<Omit<Run, 'id' | 'tenantId' | 'version'>>): Promise<Run>
  /** The same of how far a run is: other processes and threads see it, a loss of power may take it back. */
  progress(
    id: string,
    changes: Pick<Run, 'state' | 'counts' | 'bytesRead' | 'rowsPerSecond'>,
  ): Promise<Run>
  /** Runs in an active state, oldest first; all of them when nothing is asked. */
  active(asked?: { skip: number; limit: number }): Promise<Run[]>
  /** How many there are of each; a state that none has may be missing. */
  activeCounts(): Promise<Partial<Record<RunState, number>>>
  /** Runs with an outcome whose file has not been archived yet. */
  unarchived(): Promise<Run[]>
  /** The newest run of the tenant that reached `completed` or `completed_with_failures`, not a dry run. */
  lastImported(tenantId: string): Promise<Run | undefined>
  /** Days with runs from `since` on, oldest first. */
  perDay(tenantId: string, since: number): Promise<DayFigures[]>
}

export const mailKinds = [
  'failures',
  'rejected',
  'held',
  'completed',
  'silence',
  'dry-run',
  'incomplete',
  'test',
] as const
export type MailKind = (typeof mailKinds)[number]

/** A mail to send, committed with the run that causes it. */
export interface OutboxMail {
  id: string
  tenantId: string
  runId: string | null
  kind: MailKind
  /** Stable for a run and kind. */
  messageId: string
  state: 'queued' | 'sent' | 'undelivered'
  attempts: number
  nextAttemptAt: number
  createdAt: number
  sentAt: number | null
  /** The server's last answer, or what went wrong. */
  lastAnswer: string | null
  /** Path of the composed message in the file store; null until composed once. */
  path: string | null
  subject: string | null
}

export interface OutboxStore {
  /** Repeatable: a mail of the same run and kind is there already → nothing changes. */
  add(mail: OutboxMail): Promise<void>
  get(id: string): Promise<OutboxMail | undefined>
  /** Queued mails whose time has come, oldest first. */
  due(now: number, limit: number): Promise<OutboxMail[]>
  nextDueAt(): Promise<number | undefined>
  update(mail: OutboxMail): Promise<void>
  list(tenantId: string, limit: number): Promise<OutboxMail[]>
  forRun(runId: string): Promise<OutboxMail[]>
}

export const auditEvents = [
  'AUTH_FAILURE',
  'CONNECTED',
  'DISCONNECTED',
  'OPEN',
  'CLOSE',
  'PARTIAL_CLOSE',
  'RENAME',
  'DELETE',
  'SETTINGS',
  'RUN',
] as const
export type AuditEvent = (typeof auditEvents)[number]

export interface AuditEntry {
  at: number
  tenantId: string | null
  event: AuditEvent
  actor: string | null
  address: string | null
  protocol: string | null
  clientVersion: string | null
  path: string | null
  bytes: number | null
  detail: string | null
}

export interface AuditStore {
  /** May be written a little later, in batches; order is kept. */
  append(entry: AuditEntry): void
  list(filter: {
    tenantId?: string
    before?: number
    limit: number
  }): Promise<(AuditEntry & { seq: number })[]>
}

/** One use of an `Idempotency-Key`, and the run that it made or was to make. */
export interface IdempotencyRecord {
  tenantId: string
  key: string
  /** What was asked for; the same key for something else is a mistake of the caller. */
  fingerprint: string
  runId: string
  createdAt: number
}

export interface IdempotencyStore {
  /** Keeps `record` unless its key was used at `since` or later; returns what is kept. */
  reserve(record: IdempotencyRecord, since: number): Promise<IdempotencyRecord>
  /** The run that the use of a key has led to. */
  assign(tenantId: string, key: string, runId: string): Promise<void>
  /** The use came to nothing: the key is free again. */
  release(tenantId: string, key: string): Promise<void>
}

export interface SessionStore {
  /** Keeps a session or a link, and forgets those that have expired. */
  create(session: Session): Promise<void>
  get(hash: string): Promise<Session | undefined>
  /** Removes and returns; of several takers at once exactly one gets it, which makes a link one-time. */
  take(hash: string): Promise<Session | undefined>
}
