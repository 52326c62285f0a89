import { openState } from '../../src/db/sqlite/state.ts'
import type { RowFailure } from '../../src/domain/importer.ts'
import { reportPath } from '../../src/domain/layout.ts'
import type { Log } from '../../src/domain/log.ts'
import { zeroCounts } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { MailKind, OutboxMail, StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { Tenant, TenantSettings } from '../../src/domain/tenant.ts'
import { memoryDriver } from '../../storage/memory.ts'

export const startOfDay = Date.UTC(2026, 10, 24, 8, 30)

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** A clock that a test moves. */
export function handClock(start = startOfDay) {
  let time = start
  return {
    now: () => time,
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    pass(milliseconds: number) {
      time += milliseconds
    },
  }
}

export function tenantOf(settings: Partial<TenantSettings> = {}): Tenant {
  return {
    id: 'ten_maple',
    name: 'Maple <College>',
    settings: {
      ...defaultSettings,
      replyTo: 'admin@maple.example',
      failedImportEmail: ['it@maple.example', 'hr@maple.example'],
      timeZone: 'America/Toronto',
      ...settings,
    },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: startOfDay,
  }
}

export function runOf(id: string, changes: Partial<Run> = {}): Run {
  return {
    id,
    tenantId: 'ten_maple',
    filename: 'users.csv',
    source: 'sftp',
    actor: 'maple',
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'completed_with_failures',
    counts: { ...zeroCounts, rows: 4310, created: 4000, updated: 298, failed: 12 },
    sizeBytes: 812_345,
    sha256: null,
    encoding: 'windows-1252',
    delimiter: ';',
    columns: ['UserUUID', 'email'],
    ignoredColumns: ['shoe size'],
    notices: [{ code: 9101, sentence: 'The file is not UTF-8, it was read as Windows-1252' }],
    fileReason: null,
    reasons: [
      { code: 9016, count: 3 },
      { code: 9019, count: 9 },
    ],
    bytesRead: 812_345,
    rowsPerSecond: 0,
    createdAt: startOfDay,
    startedAt: startOfDay,
    finishedAt: startOfDay + 2000,
    sourcePath: `work/ten_maple/${id}`,
    archivedAt: null,
    reportPath: null,
    mail: 'queued',
    version: 1,
    ...changes,
  }
}

const rows: Record<number, RowFailure> = {
  9016: {
    line: 17,
    reasons: [{ code: 9016, field: 'email', sentence: 'Email is required: fill in the cell' }],
    cells: ['u17', ''],
    raw: null,
  },
  9019: {
    line: 4,
    reasons: [
      { code: 9019, field: 'email', sentence: 'Email "ann@x.example" belongs to another user' },
    ],
    cells: ['u4', 'ann@x.example<script>'],
    raw: null,
  },
}

export async function failures(
  _run: Run,
  { code }: { code?: number; limit: number },
): Promise<RowFailure[]> {
  const row = rows[code ?? 0]
  return row === undefined ? [] : [row]
}

export function mailOf(id: string, kind: MailKind, runId: string | null, at: number): OutboxMail {
  return {
    id,
    tenantId: 'ten_maple',
    runId,
    kind,
    messageId: `${id}@rosterdrop.example`,
    state: 'queued',
    attempts: 0,
    nextAttemptAt: at,
    createdAt: at,
    sentAt: null,
    lastAnswer: null,
    path: null,
    subject: null,
  }
}

/** A failure report of `count` rows, each with a line break and a quote in a cell. */
export function report(count: number): string {
  const row = (line: number): string =>
    `"${line}","9016","email","Email is ""required""\nfill it in"`
  const lines = Array.from({ length: count }, (_, index) => row(index + 2))
  const header =
    '"import_error_line","import_error_codes","import_error_fields","import_error_reason"'
  return `\uFEFF${[header, ...lines].join('\r\n')}\r\n`
}

export async function putFile(files: FileStore, path: string, text: string): Promise<void> {
  const staged = await files.openWrite(path)
  await staged.write(0, new TextEncoder().encode(text))
  await staged.commit()
}

/** A real state database and file store, with one client. */
export async function openOffice(settings: Partial<TenantSettings> = {}) {
  const state: StateStore = openState(':memory:')
  const files: FileStore = memoryDriver().files
  await state.tenants.create(tenantOf(settings))
  return {
    state,
    files,
    /** A run with a report of `count` rows and its queued failure mail. */
    async failedRun(name: string, at: number, count = 12): Promise<OutboxMail> {
      const run = runOf(`run_${name}`, { filename: `${name}.csv`, createdAt: at })
      run.reportPath = reportPath(run)
      await putFile(files, run.reportPath, report(count))
      await state.runs.create(run)
      const mail = mailOf(`mai_${name}`, 'failures', run.id, at)
      await state.outbox.add(mail)
      return mail
    },
    async close() {
      await state.close()
      await files.close()
    },
  }
}
