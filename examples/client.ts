// Made from the OpenAPI document by `npm run docs`: copy it, do not edit it. Needs fetch and nothing else.
/* oxlint-disable typescript/no-unsafe-type-assertion -- the server keeps to the document */

export type Account = {
  id: string
  tenantId: string
  name: string
  hasPassword: boolean
  /** As in an .pub file */
  keys: string[]
  protocols: ('sftp' | 'ftps')[]
  allowedNetworks: string[]
  expiresAt: string | null
  disabled: boolean
  createdAt: string | null
  lastLoginAt: string | null
}

export type AccountBody = {
  /** The login; unique on the whole server, case-sensitive */
  name: string
  /** Null: keys only. Not there: made, and shown once, unless there are keys */
  password?: string | null
  keys?: string[]
  protocols?: ('sftp' | 'ftps')[]
  /** Where logins may come from; empty: from anywhere */
  allowedNetworks?: string[]
  expiresAt?: string | null
  disabled?: boolean
}

export type AccountList = {
  data: Account[]
  /** Null on the last page */
  nextCursor: string | null
}

export type AccountPatch = {
  /** The login; unique on the whole server, case-sensitive */
  name?: string
  keys?: string[]
  protocols?: ('sftp' | 'ftps')[]
  /** Where logins may come from; empty: from anywhere */
  allowedNetworks?: string[]
  expiresAt?: string | null
  disabled?: boolean
  /** Null: keys only */
  password?: string | null
  /** Make a password, and show it once */
  newPassword?: true
}

export type AccountWithPassword = {
  id: string
  tenantId: string
  name: string
  hasPassword: boolean
  /** As in an .pub file */
  keys: string[]
  protocols: ('sftp' | 'ftps')[]
  allowedNetworks: string[]
  expiresAt: string | null
  disabled: boolean
  createdAt: string | null
  lastLoginAt: string | null
  /** Only where it was made now: shown once */
  password?: string
}

export type AuditEntry = {
  at: string
  tenantId: string | null
  event: 'AUTH_FAILURE' | 'CONNECTED' | 'DISCONNECTED' | 'OPEN' | 'CLOSE' | 'PARTIAL_CLOSE' | 'RENAME' | 'DELETE' | 'SETTINGS' | 'RUN'
  /** Login or token */
  actor: string | null
  address: string | null
  protocol: string | null
  clientVersion: string | null
  path: string | null
  bytes: number | null
  detail: string | null
}

export type AuditList = {
  data: AuditEntry[]
  /** Null on the last page */
  nextCursor: string | null
}

/** rows = created + updated + unchanged + skipped + failed */
export type Counts = {
  rows: number
  created: number
  updated: number
  unchanged: number
  skipped: number
  failed: number
  deactivated: number
}

export type Failure = {
  /** First line of the record, from 1 */
  line: number
  reasons: ({
    code: number
    /** Header of the cell, as in the file */
    field: string | null
    sentence: string
  })[]
  /** As in the file; passwords blank */
  cells: string[]
  /** The record when it could not be split */
  raw: string | null
}

export type FailureList = {
  data: Failure[]
  /** Null on the last page */
  nextCursor: string | null
}

export type Format = {
  columns: ({
    name: 'UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status'
    /** Other names that are taken for it */
    headers: string[]
    /** Names that mean the opposite */
    invertedHeaders: string[]
    need: string
    min: number | null
    /** Characters after trimming */
    max: number | null
    multiLine: boolean
    neverCleared: boolean
    /** Reasons that a cell can get */
    codes: number[]
    sentence: string
  })[]
  reasons: ({
    code: number
    level: string
    meaning: string
  })[]
  limits: {
    maxBytes: number
    maxRows: number
    maxRecordBytes: number
    maxFieldBytes: number
    maxColumns: number
  }
  /** In a cell, it clears what is stored */
  clearWord: string
}

/** A full file that deactivates more than max(floor, share of active users), or more than cap, is held */
export type Guard = {
  floor: number
  share: number
  cap: number
}

export type Liveness = {
  status: 'alive'
}

export type LoginSources = {
  /** Empty: any value is taken */
  data: string[]
}

export type NewToken = {
  id: string
  tenantId: string | null
  scope: 'operator' | 'tenant' | 'monitor'
  name: string
  createdAt: string | null
  expiresAt: string | null
  /** To the minute */
  lastUsedAt: string | null
  revokedAt: string | null
  /** Shown once */
  token: string
}

export type Notice = {
  code: number
  sentence: string
}

export type OpenApi = {
  openapi: string
}

export type OperatorTokenBody = {
  /** For the audit: what uses the token */
  name: string
  expiresAt?: string | null
}

export type OperatorTokenList = {
  data: Token[]
  /** Null on the last page */
  nextCursor: string | null
}

export type Penalty = {
  /** An IPv4 address, or the /64 of an IPv6 address */
  source: string
  until: string
  /** False: too short to keep anybody out */
  enforced: boolean
}

export type PenaltyList = {
  data: Penalty[]
  /** Null on the last page */
  nextCursor: string | null
}

/** RFC 9457 */
export type Problem = {
  type: string
  title: string
  status: number
  /** What is, what is needed, and how to put it right */
  detail: string
  instance: string
  code: 'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'exists' | 'conflict' | 'too_large' | 'out_of_space' | 'too_many' | 'unavailable' | 'unsupported' | 'changed' | 'method_not_allowed' | 'internal'
  /** Every part of a body or a query that cannot be used */
  errors?: ({
    /** JSON Pointer into the body, or the name of a query parameter */
    pointer: string
    detail: string
  })[]
  /** Stands in the log of the server too */
  requestId: string
}

export type Readiness = {
  status: 'ready' | 'not ready'
  checks?: ({
    name: string
    ok: boolean
  })[]
}

export type Run = {
  id: string
  tenantId: string
  /** As the client wrote it */
  filename: string
  source: 'sftp' | 'ftps' | 'http' | 'console' | 'folder'
  /** Account or token that brought the file */
  actor: string | null
  mode: 'delta' | 'full'
  dryRun: boolean
  state: 'queued' | 'parsing' | 'applying' | 'archiving' | 'completed' | 'completed_with_failures' | 'held' | 'duplicate' | 'failed' | 'cancelled' | 'rejected' | 'reverted'
  counts: Counts
  /** Share of the file that was read */
  progress: number
  rowsPerSecond: number
  sizeBytes: number
  sha256: string | null
  encoding: string | null
  delimiter: string | null
  columns: string[]
  ignoredColumns: string[]
  warnings: Notice[]
  /** Why the file as a whole was refused */
  fileReason: Notice | null
  /** Failed rows by code */
  reasons: ({
    code: number
    count: number
  })[]
  mail: 'none' | 'queued' | 'sent' | 'undelivered' | 'unconfigured'
  /** The same as `mail` */
  notification: 'none' | 'queued' | 'sent' | 'undelivered' | 'unconfigured'
  createdAt: string | null
  startedAt: string | null
  finishedAt: string | null
  archivedAt: string | null
  links: {
    self: string
    events: string
    /** Failed rows as JSON */
    failures?: string
    /** Failed rows as a CSV to correct */
    report?: string
    /** The archived file */
    source?: string
  }
}

export type RunList = {
  data: Run[]
  /** Null on the last page */
  nextCursor: string | null
}

export type Settings = {
  /** Whether mails can be sent */
  ready: boolean
  /** Labels of what is missing */
  missing: string[]
  /** From of every mail; null: not set, and no mail is sent */
  replyTo: string | null
  /** To of every mail; empty: not set, and no mail is sent */
  failedImportEmail: string[]
  /** `full`: a file is the whole truth, and users that it lacks are set inactive */
  mode: 'delta' | 'full'
  /** Whether files dropped in `full/` are full files */
  fullFolder: boolean
  /** What a blank cell does */
  blankCells: 'keep' | 'clear'
  /** Fields that every row must have a value for */
  requiredFields: ('UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status')[]
  /** Header as your files write it → field */
  columnMap: Record<string, 'UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status'>
  /** For new users whose row names none */
  defaultLoginSource: string | null
  /** The only other way that dates of birth may be written */
  datePattern: string | null
  /** How long a file must be quiet before it is imported */
  settleSeconds: number
  /** How long `bak/` is kept */
  archiveDays: number
  guard: Guard
  mailFailures: boolean
  mailCompleted: 'never' | 'always' | 'daily'
  /** Mail when no file came for this many hours; null: never */
  silenceHours: number | null
  /** For times in mails */
  timeZone: string
}

export type SettingsPatch = {
  /** From of every mail; null: not set, and no mail is sent */
  replyTo?: string | null
  /** To of every mail; empty: not set, and no mail is sent */
  failedImportEmail?: string[]
  /** `full`: a file is the whole truth, and users that it lacks are set inactive */
  mode?: 'delta' | 'full'
  /** Whether files dropped in `full/` are full files */
  fullFolder?: boolean
  /** What a blank cell does */
  blankCells?: 'keep' | 'clear'
  /** Fields that every row must have a value for */
  requiredFields?: ('UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status')[]
  /** Header as your files write it → field */
  columnMap?: Record<string, 'UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status'>
  /** For new users whose row names none */
  defaultLoginSource?: string | null
  /** The only other way that dates of birth may be written */
  datePattern?: string | null
  /** How long a file must be quiet before it is imported */
  settleSeconds?: number
  /** How long `bak/` is kept */
  archiveDays?: number
  guard?: Guard
  mailFailures?: boolean
  mailCompleted?: 'never' | 'always' | 'daily'
  /** Mail when no file came for this many hours; null: never */
  silenceHours?: number | null
  /** For times in mails */
  timeZone?: string
}

export type Tenant = {
  id: string
  name: string
  /** Whether both mail settings are set */
  ready: boolean
  /** Labels of those that are not */
  missing: string[]
  settings: TenantSettings
  createdAt: string | null
}

export type TenantBody = {
  name: string
  settings?: SettingsPatch
}

export type TenantList = {
  data: Tenant[]
  /** Null on the last page */
  nextCursor: string | null
}

export type TenantPatch = {
  name?: string
  settings?: SettingsPatch
}

export type TenantSettings = {
  /** From of every mail; null: not set, and no mail is sent */
  replyTo: string | null
  /** To of every mail; empty: not set, and no mail is sent */
  failedImportEmail: string[]
  /** `full`: a file is the whole truth, and users that it lacks are set inactive */
  mode: 'delta' | 'full'
  /** Whether files dropped in `full/` are full files */
  fullFolder: boolean
  /** What a blank cell does */
  blankCells: 'keep' | 'clear'
  /** Fields that every row must have a value for */
  requiredFields: ('UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status')[]
  /** Header as your files write it → field */
  columnMap: Record<string, 'UserUUID' | 'email' | 'username' | 'firstName' | 'middleName' | 'lastName' | 'password' | 'userType' | 'loginSource' | 'street' | 'street2' | 'city' | 'city2' | 'prov' | 'prov2' | 'postalCode' | 'postalCode2' | 'phoneCell' | 'employeeNo' | 'employeePhone' | 'studentNo' | 'studentPhone' | 'dateOfBirth' | 'licenceNo' | 'licenceProv' | 'lockerUserType' | 'status'>
  /** For new users whose row names none */
  defaultLoginSource: string | null
  /** The only other way that dates of birth may be written */
  datePattern: string | null
  /** How long a file must be quiet before it is imported */
  settleSeconds: number
  /** How long `bak/` is kept */
  archiveDays: number
  guard: Guard
  mailFailures: boolean
  mailCompleted: 'never' | 'always' | 'daily'
  /** Mail when no file came for this many hours; null: never */
  silenceHours: number | null
  /** For times in mails */
  timeZone: string
}

export type Token = {
  id: string
  tenantId: string | null
  scope: 'operator' | 'tenant' | 'monitor'
  name: string
  createdAt: string | null
  expiresAt: string | null
  /** To the minute */
  lastUsedAt: string | null
  revokedAt: string | null
}

export type TokenBody = {
  /** For the audit: what uses the token */
  name: string
  /** `tenant`: all of one client; `monitor`: its imports, read only */
  scope?: 'tenant' | 'monitor'
  expiresAt?: string | null
}

export type TokenList = {
  data: Token[]
  /** Null on the last page */
  nextCursor: string | null
}

export type User = {
  UserUUID: string | null
  email: string | null
  username: string | null
  firstName: string | null
  middleName: string | null
  lastName: string | null
  userType: string | null
  loginSource: string | null
  street: string | null
  street2: string | null
  city: string | null
  city2: string | null
  prov: string | null
  prov2: string | null
  postalCode: string | null
  postalCode2: string | null
  phoneCell: string | null
  employeeNo: string | null
  employeePhone: string | null
  studentNo: string | null
  studentPhone: string | null
  dateOfBirth: string | null
  licenceNo: string | null
  licenceProv: string | null
  lockerUserType: string | null
  /** `removed`: the import that made the user was reverted; only with changedSince */
  status: 'active' | 'inactive' | 'removed'
  hasPassword: boolean
  createdAt: string | null
  changedAt: string
}

export type UserList = {
  data: User[]
  /** Null on the last page */
  nextCursor: string | null
}

export type UserType = {
  id: string
  name: string
}

export type UserTypes = {
  /** Empty: any value is taken */
  data: UserType[]
}

export type Webhook = {
  id: string
  tenantId: string
  url: string
  events: ('import.completed' | 'import.failed' | 'import.held' | 'upload.incomplete')[]
  disabled: boolean
  createdAt: string
}

export type WebhookBody = {
  /** https; http and private networks only where the operator allows them */
  url: string
  events?: ('import.completed' | 'import.failed' | 'import.held' | 'upload.incomplete')[]
  disabled?: boolean
}

export type WebhookDelivery = {
  /** `webhook-id` of the request */
  id: string
  event: 'import.completed' | 'import.failed' | 'import.held' | 'upload.incomplete'
  state: 'queued' | 'delivered' | 'failed'
  attempts: number
  nextAttemptAt: string | null
  createdAt: string
  deliveredAt: string | null
  /** Of the last answer */
  status: number | null
  /** Its beginning, or what went wrong */
  answer: string | null
  /** As it is sent */
  body: string
}

export type WebhookDeliveryList = {
  data: WebhookDelivery[]
  /** Null on the last page */
  nextCursor: string | null
}

export type WebhookList = {
  data: Webhook[]
  /** Null on the last page */
  nextCursor: string | null
}

export type WebhookPatch = {
  /** https; http and private networks only where the operator allows them */
  url?: string
  events?: ('import.completed' | 'import.failed' | 'import.held' | 'upload.incomplete')[]
  disabled?: boolean
  /** Make a secret, and show it once */
  newSecret?: true
}

export type WebhookWithSecret = {
  id: string
  tenantId: string
  url: string
  events: ('import.completed' | 'import.failed' | 'import.held' | 'upload.incomplete')[]
  disabled: boolean
  createdAt: string
  /** Only where it was made now: shown once. Signatures are by standardwebhooks.com */
  secret?: string
}

export interface Operations {
  /** Whether the process answers */
  'GET /livez': {
    answer: Liveness
  }
  /** Whether files can be taken; `?verbose` lists every check */
  'GET /readyz': {
    query?: {
      verbose?: string
    }
    answer: Readiness
  }
  /** Figures as Prometheus text; from this machine without a token too */
  'GET /metrics': {
    answer: Text
  }
  /** Import a CSV; the body streams, and 202 means that it is stored durably */
  'POST /imports': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      /** Name of the file, ending in .csv, .txt or .tsv; default: that of the form */
      filename?: string
      /** Check only; nothing is changed */
      dryRun?: 'true' | 'false'
      /** `full`: users that the file lacks are set inactive; default: the setting */
      mode?: 'delta' | 'full'
    }
    header?: {
      /** Any text; for 24 hours the same key answers the run that its first use made */
      'Idempotency-Key'?: string
    }
    body: Upload
    answer: Run
  }
  /** Runs, newest first */
  'GET /imports': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      state?: 'queued' | 'parsing' | 'applying' | 'archiving' | 'completed' | 'completed_with_failures' | 'held' | 'duplicate' | 'failed' | 'cancelled' | 'rejected' | 'reverted'
      source?: 'sftp' | 'ftps' | 'http' | 'console' | 'folder'
      /** A part of the name, any case */
      filename?: string
      since?: string
      until?: string
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: RunList
  }
  /** One run; with `Prefer: wait=30` the answer comes at its next change */
  'GET /imports/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    header?: {
      /** ETag of the version that is known; 304 when it is the current one */
      'If-None-Match'?: string
      /** `wait=30`: the answer comes at the next change, or after so many seconds (at most 50) */
      Prefer?: string
    }
    answer: Run
  }
  /** The run as server-sent events: now, and at each change until nothing changes */
  'GET /imports/{id}/events': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    header?: {
      /** Version of the last event that was seen */
      'Last-Event-ID'?: string
    }
    answer: Text | null
  }
  /** Failed rows with all their reasons, in the order of the file */
  'GET /imports/{id}/failures': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Only rows with this reason */
      code?: number
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: FailureList
  }
  /** The failure report: correct it and drop it again */
  'GET /imports/{id}/failures.csv': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    answer: Text
  }
  /** The archived file as the client sent it, passwords blank */
  'GET /imports/{id}/source.csv': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    answer: Text
  }
  /** Let a held run go on, whatever it deactivates */
  'POST /imports/{id}/approve': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    body?: {
      /** Why; kept in the audit */
      note?: string
    }
    answer: Run
  }
  /** Refuse a held run; nothing of it was written */
  'POST /imports/{id}/reject': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    body?: {
      /** Why; kept in the audit */
      note?: string
    }
    answer: Run
  }
  /** Stop a queued or running import at its next batch; what was written stays */
  'POST /imports/{id}/cancel': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    body?: {
      /** Why; kept in the audit */
      note?: string
    }
    answer: Run
  }
  /** Import the archived file again, as a new run */
  'POST /imports/{id}/retry': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Import although the same bytes were imported last */
      force?: 'true' | 'false'
    }
    answer: Run
  }
  /** Put back what the run changed, where nothing has changed it since */
  'POST /imports/{id}/revert': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    body?: {
      /** Why; kept in the audit */
      note?: string
    }
    answer: Run
  }
  /** Users in the order of their creation, or by their last changes, for other systems to follow */
  'GET /users': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      /** The last change of each user since then, in order, removals too; go on from nextCursor, which is never null then */
      changedSince?: string
      /** Exactly, in any case */
      email?: string
      status?: 'active' | 'inactive'
      /** The beginning of a last name, email, username or UserUUID, or first and last name; the first `limit` users */
      q?: string
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: UserList
  }
  /** All users as a file that imports as it is; without passwords */
  'GET /users.csv': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      status?: 'active' | 'inactive'
    }
    answer: Text
  }
  /** One user by its UserUUID (percent-encoded) */
  'GET /users/{uuid}': {
    path: {
      /** UserUUID, percent-encoded */
      uuid: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: User
  }
  /** The columns of a file, the reasons of failed rows, and the limits */
  'GET /format': {
    answer: Format
  }
  /** A file with every column, to be filled in */
  'GET /template.csv': {
    answer: Text
  }
  /** The client's settings */
  'GET /settings': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version that is known; 304 when it is the current one */
      'If-None-Match'?: string
    }
    answer: Settings
  }
  /** Change settings; members that are not there stay */
  'PATCH /settings': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version to change; another one gets 412 */
      'If-Match'?: string
    }
    body: SettingsPatch
    answer: Settings
  }
  /** The values that userType and lockerUserType may name */
  'GET /user-types': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version that is known; 304 when it is the current one */
      'If-None-Match'?: string
    }
    answer: UserTypes
  }
  /** Replace all user types */
  'PUT /user-types': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version to change; another one gets 412 */
      'If-Match'?: string
    }
    body: UserTypes
    answer: UserTypes
  }
  /** The values that loginSource may name */
  'GET /login-sources': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version that is known; 304 when it is the current one */
      'If-None-Match'?: string
    }
    answer: LoginSources
  }
  /** Replace all login sources */
  'PUT /login-sources': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    header?: {
      /** ETag of the version to change; another one gets 412 */
      'If-Match'?: string
    }
    body: LoginSources
    answer: LoginSources
  }
  /** The logins of a client, newest first */
  'GET /accounts': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: AccountList
  }
  /** Add a login; a password that is made is shown once */
  'POST /accounts': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    body: AccountBody
    answer: AccountWithPassword
  }
  /** One login */
  'GET /accounts/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: Account
  }
  /** Change a login; members that are not there stay */
  'PATCH /accounts/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    body: AccountPatch
    answer: AccountWithPassword
  }
  /** Remove a login; what it has dropped stays */
  'DELETE /accounts/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: null
  }
  /** The clients, newest first */
  'GET /tenants': {
    query?: {
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: TenantList
  }
  /** Add a client */
  'POST /tenants': {
    body: TenantBody
    answer: Tenant
  }
  /** One client */
  'GET /tenants/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    answer: Tenant
  }
  /** Change a client's name or settings */
  'PATCH /tenants/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    header?: {
      /** ETag of the version to change; another one gets 412 */
      'If-Match'?: string
    }
    body: TenantPatch
    answer: Tenant
  }
  /** The tokens of a client, newest first, revoked ones too */
  'GET /tenants/{id}/tokens': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: TokenList
  }
  /** Make a token for a client; it is shown once */
  'POST /tenants/{id}/tokens': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    body: TokenBody
    answer: NewToken
  }
  /** Revoke a token at once */
  'DELETE /tenants/{id}/tokens/{token}': {
    path: {
      /** Id, as an answer gives it */
      id: string
      /** Id of a token */
      token: string
    }
    answer: null
  }
  /** The tokens of operators, newest first, revoked ones too */
  'GET /tokens': {
    query?: {
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: OperatorTokenList
  }
  /** Make a token for an operator: every client and the server; it is shown once */
  'POST /tokens': {
    body: OperatorTokenBody
    answer: NewToken
  }
  /** Revoke an operator's token at once, also the one that asks */
  'DELETE /tokens/{token}': {
    path: {
      /** Id of a token */
      token: string
    }
    answer: null
  }
  /** The webhooks of a client, newest first */
  'GET /webhooks': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: WebhookList
  }
  /** Add a webhook; its secret is shown once */
  'POST /webhooks': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    body: WebhookBody
    answer: WebhookWithSecret
  }
  /** One webhook */
  'GET /webhooks/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: Webhook
  }
  /** Change a webhook; members that are not there stay */
  'PATCH /webhooks/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    body: WebhookPatch
    answer: WebhookWithSecret
  }
  /** Remove a webhook and what waits for it */
  'DELETE /webhooks/{id}': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: null
  }
  /** What was sent to a webhook, newest first; kept for 30 days */
  'GET /webhooks/{id}/deliveries': {
    path: {
      /** Id, as an answer gives it */
      id: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: WebhookDeliveryList
  }
  /** Send once more, with the same id and body */
  'POST /webhooks/{id}/deliveries/{delivery}/resend': {
    path: {
      /** Id, as an answer gives it */
      id: string
      /** Id of a delivery */
      delivery: string
    }
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
    }
    answer: WebhookDelivery
  }
  /** Who did what, from where, newest first; operators without ?tenant= see all */
  'GET /audit': {
    query?: {
      /** Id of the client; operators must name one where only one can be meant */
      tenant?: string
      /** How many at most */
      limit?: number
      /** `nextCursor` of the page before, as it is */
      cursor?: string
    }
    answer: AuditList
  }
  /** Addresses with a penalty for failed logins, the longest first */
  'GET /penalties': {
    answer: PenaltyList
  }
  /** Lift the penalty of an address, or of a listed source (percent-encode its /) */
  'DELETE /penalties/{source}': {
    path: {
      /** An address, or a source as the list gives it, percent-encoded */
      source: string
    }
    answer: null
  }
  /** This interface as OpenAPI 3.1 */
  'GET /openapi.json': {
    answer: OpenApi
  }
  /** The same as a page; it loads nothing */
  'GET /docs': {
    answer: Text
  }
}

/** A body that is no JSON. */
export type Text = string
/** A file to import: text, bytes, a stream, or a form with one file. */
export type Upload = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | FormData

export type Route = keyof Operations
export type Answer<R extends Route> = Operations[R]['answer']
export type Input<R extends Route> = Omit<Operations[R], 'answer'>

/** What the server refuses, and how to put it right. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

export interface ClientOptions {
  /** Such as `https://imports.example.com`. */
  baseUrl: string
  /** `rd_…`; none for routes that need none. */
  token?: string
  fetch?: typeof fetch
}

interface AnyInput {
  path?: Record<string, string>
  query?: Record<string, string | number | undefined>
  header?: Record<string, string | undefined>
  body?: unknown
}

const isUpload = (body: unknown): body is Upload =>
  typeof body === 'string' ||
  body instanceof Uint8Array ||
  body instanceof Blob ||
  body instanceof ReadableStream ||
  body instanceof FormData

/** A client: `call('GET /imports/{id}', { path: { id } })`. Throws ProblemError for what the server refuses. */
export function createClient({ baseUrl, token, fetch: send = fetch }: ClientOptions) {
  return async function call<R extends Route>(route: R, input: Input<R>): Promise<Answer<R>> {
    const { path = {}, query = {}, header = {}, body }: AnyInput = input
    const [method = '', pattern = ''] = route.split(' ')
    const place = pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
    const url = new URL(place, baseUrl)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(header)) {
      if (value !== undefined) headers.set(name, value)
    }
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    const init: RequestInit & { duplex?: 'half' } = { method, headers }
    if (isUpload(body)) {
      init.body = body
      init.duplex = 'half'
      if (!(body instanceof FormData)) headers.set('content-type', 'text/csv')
    } else if (body !== undefined) {
      init.body = JSON.stringify(body)
      headers.set('content-type', 'application/json')
    }
    const answer = await send(url, init)
    const type = answer.headers.get('content-type') ?? ''
    const text = await answer.text()
    const value: unknown = /[/+]json/.test(type) ? JSON.parse(text) : text === '' ? null : text
    if (type.includes('problem+json')) throw new ProblemError(value as Problem)
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`)
    return value as Answer<R>
  }
}
