import type { Directory, FileFacts, Ledger, LedgerState } from '../domain/directory.ts'
import { encodings } from '../domain/encoding.ts'
import { isAppError } from '../domain/error.ts'
import type { FieldName } from '../domain/format.ts'
import { identifierShape } from '../domain/identifier-shape.ts'
import { archivePath, workPath } from '../domain/layout.ts'
import { fileNotice, reasonSentence, reasonTexts } from '../domain/reason.ts'
import { createRowCheck } from '../domain/row-check.ts'
import { zeroCounts } from '../domain/run.ts'
import type { FileNotice } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import type { StoredField } from '../domain/user.ts'
import { applyRows, settleRows } from './apply.ts'
import { archiveWithoutPasswords } from './archive.ts'
import { crashPoint } from './crash-point.ts'
import { textFingerprint } from './fingerprint.ts'
import { FileRefused } from './job.ts'
import type { ImportJob, ImportProgress, ImportResult, StopWish } from './job.ts'
import { mailsOf } from './mails.ts'
import { writeReport } from './report.ts'
import { scanFile } from './scan.ts'
import type { Scanned } from './scan.ts'
import { createSieve } from './sieve.ts'
import { openSource } from './source.ts'
import type { Source, SourceOptions } from './source.ts'
import { NotUtf8 } from './survey.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'

export interface ExecuteOptions {
  job: ImportJob
  /** The tenant's, for this run alone. */
  directory: Directory
  files: FileStore
  now: () => number
  hashPassword: (password: string) => Promise<string>
  onProgress: (progress: ImportProgress) => void
  /** What the run is asked to do; read at each piece of the file. */
  wish: () => StopWish
}

// At most five times a second.
const progressMs = 200
// Of rows that fail through us: the first tell enough.
const mostFaults = 20
// Raised when the same record is to be read in another way than before.
const rulesVersion = 4
// A failure that is kept has its sentences in it: with other ones it is made anew.
const reasonsVersion = textFingerprint(reasonTexts())

/** Does one run, or goes on with it from its last batch; resolves when its outcome is durable in the directory. */
export async function executeRun(options: ExecuteOptions): Promise<ImportResult> {
  const { job, directory, now, hashPassword } = options
  const { run } = job
  const faults: string[] = []
  const onFault = (error: unknown): void => {
    const said = error instanceof Error ? error.message : String(error)
    if (faults.length < mostFaults && !faults.includes(said)) faults.push(said)
  }
  const { dryRun } = run
  const ledger = await directory.begin({ runId: run.id, dryRun, now, hashPassword, onFault })
  try {
    return { ...(await withLedger(options, ledger)), faults }
  } finally {
    await ledger.close()
  }
}

async function withLedger(options: ExecuteOptions, ledger: Ledger): Promise<ImportResult> {
  const { job, files } = options
  const { run, tenant, previous } = job
  const started = performance.now()
  let source: Source | undefined
  try {
    const stored = goesOnFrom(options, ledger)
    const open = (known: SourceOptions['known']): Promise<Source> =>
      openSource({
        files,
        path: workPath(tenant.id, run.id),
        filename: run.filename,
        settings: tenant.settings,
        previousFields: previous?.columns ?? [],
        known,
      })
    const done = stored?.phase === 'done' ? stored : undefined
    const known = knownOf(job, stored)
    let state: LedgerState
    try {
      source = await open(known)
      state = done ?? (await importRows(options, ledger, source, stored))
    } catch (error) {
      if (!(error instanceof NotUtf8) || known === undefined) throw error
      // It is found while the file is opened or scanned: nothing is written yet.
      await source?.close()
      source = undefined
      source = await open({ ...known, encoding: 'windows-1252' })
      state = done ?? (await importRows(options, ledger, source, stored))
    }
    return await finish(options, state, source, started)
  } catch (error) {
    const stored = goesOnFrom(options, ledger)
    // Archived already when the process was killed.
    if (stored?.phase === 'done' && isAppError(error, 'not_found')) {
      return finish(options, stored, undefined, started)
    }
    const notice = refusal(error, run.filename)
    if (notice === undefined) throw error
    const state: LedgerState = {
      ...emptyState(),
      phase: 'done',
      outcome: 'failed',
      fileReason: notice,
      mails: mailsOf(job, 'failed', zeroCounts, notice),
    }
    await ledger.commit(state)
    return finish(options, state, undefined, started)
  } finally {
    await source?.close()
  }
}

/** What an earlier try has left; a run that was held and then approved begins anew. */
function goesOnFrom({ job }: ExecuteOptions, ledger: Ledger): LedgerState | undefined {
  const { stored } = ledger
  return stored?.outcome === 'held' && job.run.approved ? undefined : stored
}

/** What an upload or an earlier try has found out about the file, so that it is not read for that again. */
function knownOf({ run, previous }: ImportJob, stored: LedgerState | undefined) {
  const encoding = encodings.find((name) => name === stored?.file?.encoding)
  if (stored?.file && encoding !== undefined) return { sha256: stored.file.sha256, encoding }
  // A duplicate is not read any more: its encoding is to be known before.
  const mayBeDuplicate = previous?.failed === 0 && previous.sha256 === run.sha256
  return run.sha256 === null || mayBeDuplicate ? undefined : { sha256: run.sha256, encoding: null }
}

/** What is wrong with the file as a whole; undefined for a fault of ours. */
function refusal(error: unknown, name: string): FileNotice | undefined {
  if (error instanceof FileRefused) return error.notice
  return isAppError(error, 'not_found') ? fileNotice(9009, { name }) : undefined
}

function emptyState(): LedgerState {
  return {
    phase: 'scanning',
    position: 0,
    line: 1,
    counts: { ...zeroCounts },
    reasons: [],
    file: null,
    notices: [],
    fileReason: null,
    outcome: null,
    mails: [],
  }
}

function factsOf(source: Source): FileFacts {
  const { header } = source
  return {
    sha256: source.sha256,
    sizeBytes: source.sizeBytes,
    encoding: source.encoding,
    delimiter: source.delimiter,
    columns: header.fields,
    ignoredColumns: header.ignored,
  }
}

async function importRows(
  options: ExecuteOptions,
  ledger: Ledger,
  source: Source,
  stored: LedgerState | undefined,
): Promise<LedgerState> {
  const { job, directory } = options
  const { run, tenant } = job
  const { header } = source
  // A report that comes back has some of the users at most.
  const full = run.mode === 'full' && !header.isReport
  let state: LedgerState = stored ?? {
    ...emptyState(),
    file: factsOf(source),
    notices: source.notices,
    position: source.position,
    line: source.line,
  }
  const tally = createTally(state)
  const commit = (changes: Partial<LedgerState>): Promise<void> => {
    state = { ...state, ...tally.read(), ...changes }
    return ledger.commit(state)
  }
  const end = async (outcome: LedgerState['outcome'], fileReason: FileNotice | null) => {
    const mails = mailsOf(job, outcome, tally.read().counts, fileReason)
    crashPoint('before-outcome')
    await commit({ phase: 'done', outcome, fileReason, mails })
    crashPoint('after-outcome')
    return state
  }
  if (state.phase === 'scanning' && (await isDuplicate(options, source))) {
    return end('duplicate', fileNotice(9111, {}))
  }
  const shapes = await shapesOf(directory, header.fields)
  const check = createRowCheck({
    header,
    settings: tenant.settings,
    userTypes: tenant.userTypes,
    loginSources: tenant.loginSources,
    shapes,
  })
  ledger.plan({
    fields: check.fields,
    defaultLoginSource: check.onCreate.loginSource,
    createReasons: check.createReasons,
    headers: headersOf(source),
  })
  const rules = rulesOf(job, source)
  const failedBefore = await ledger.failedBefore(
    numberOf([rules, header.names, shapes, reasonsVersion]),
  )
  const sieve = createSieve({
    lastUserId: ledger.lastUserId,
    seed: numberOf(rules),
    failed: failedBefore.hashes,
  })
  await ledger.fingerprints((first, hashes) => sieve.know(first, hashes))
  const progress = progressOf(options, tally)
  const common = { source, check, ledger, sieve, tally }
  let places: Awaited<ReturnType<typeof scanFile>>
  let [present, shared] = await keptUsers(ledger)
  let rowsFirst = false
  if (state.phase === 'scanning') {
    const onRead = (position: number): boolean => {
      progress('scanning', position)
      return options.wish() !== 'no'
    }
    const { filename } = run
    places = await scanFile({ ...common, filename, full, shapes, onRead })
    if (places === undefined) {
      return options.wish() === 'cancel' ? cancelled() : { ...state, outcome: null }
    }
    present = places.present
    shared = places.shared
    // Before it may be held: whoever decides looks at who is absent.
    await ledger.keepPresence(Buffer.concat([present, shared]))
    if (full) {
      const held = await overGuard(options, ledger, places)
      if (held !== undefined) return end('held', held)
    }
    // A password is kept with a user who is looked up for it.
    if (!header.fields.includes('password')) rowsFirst = ledger.expect(places.rows)
    await commit({ phase: 'applying' })
    crashPoint('after-scan')
  }
  if (state.phase === 'applying') {
    const done = await applyRows({
      ...common,
      places: places?.places,
      failedBefore,
      shared,
      position: state.position,
      line: state.line,
      onRead(position) {
        progress('applying', position)
        return options.wish() !== 'no'
      },
      async onBatch(position, line) {
        await commit({ position, line })
        crashPoint('after-batch')
        return options.wish() !== 'no'
      },
    })
    if (!done) return options.wish() === 'cancel' ? cancelled() : state
    if (rowsFirst) await commit({ phase: 'settling' })
    crashPoint('after-rows')
  }
  await settleRows(ledger, tally)
  if (full && present !== undefined) tally.counts.deactivated = await ledger.deactivate(present)
  return end(tally.counts.failed > 0 ? 'completed_with_failures' : 'completed', null)

  async function cancelled(): Promise<LedgerState> {
    return end('cancelled', null)
  }
}

/** The users that the scan has found in the file, and those that several rows are about. */
async function keptUsers(ledger: Ledger): Promise<[Uint8Array | undefined, Uint8Array]> {
  const kept = await ledger.presence()
  if (kept === undefined) return [undefined, new Uint8Array()]
  return [kept.subarray(0, kept.length / 2), kept.subarray(kept.length / 2)]
}

async function isDuplicate({ job, directory }: ExecuteOptions, source: Source): Promise<boolean> {
  const { run, previous } = job
  if (run.dryRun || run.force || run.approved || previous === null) return false
  if (previous.failed > 0 || previous.sha256 !== source.sha256) return false
  const changedBy = await directory.changedBy()
  // Ids sort by time: something else has changed users since.
  return changedBy === null || changedBy <= previous.id
}

async function shapesOf(directory: Directory, fields: readonly FieldName[]) {
  const identifiers = ['UserUUID', 'employeeNo', 'studentNo'] as const
  const shapes = identifiers
    .filter((field) => fields.includes(field))
    .map(async (field) => [field, identifierShape(await directory.identifiers(field))] as const)
  return Object.fromEntries(await Promise.all(shapes))
}

function headersOf({ header }: Source): Partial<Record<StoredField, string>> {
  const found: Partial<Record<StoredField, string>> = {}
  for (const [index, target] of header.columns.entries()) {
    if (target === null || target === 'deactivate') continue
    if (target === 'password' || target === 'status') continue
    found[target] = header.names[index] ?? target
  }
  return found
}

/** Changes whenever the same record would be read or judged in another way. */
function rulesOf({ tenant }: ImportJob, { header, delimiter, encoding }: Source): unknown[] {
  return [
    rulesVersion,
    header.columns,
    header.isReport,
    delimiter,
    encoding,
    tenant.settingsVersion,
  ]
}

function numberOf(rules: unknown): number {
  return textFingerprint(JSON.stringify(rules)) | 0
}

async function overGuard(
  { job }: ExecuteOptions,
  ledger: Ledger,
  { rows, present }: Scanned,
): Promise<FileNotice | undefined> {
  if (job.run.approved) return undefined
  const { floor, share, cap } = job.tenant.settings.guard
  const { active, absent } = await ledger.absent(present)
  const limit = Math.min(cap, Math.max(floor, Math.floor(active * share)))
  const empty = rows === 0 && active > 0
  if (absent <= limit && !empty) return undefined
  return fileNotice(9112, {
    what: empty ? 'has no rows' : `would deactivate ${absent} of ${active} active users`,
    limit: `at most ${limit} may be deactivated without approval`,
  })
}

function progressOf({ onProgress }: ExecuteOptions, tally: Tally) {
  const begun = performance.now()
  let last = 0
  return (phase: LedgerState['phase'], bytesRead: number): void => {
    const now = performance.now()
    if (now - last < progressMs) return
    last = now
    const rowsPerSecond = Math.round((tally.counts.rows * 1000) / Math.max(1, now - begun))
    onProgress({ phase, counts: { ...tally.counts }, bytesRead, rowsPerSecond })
  }
}

/** The parts of the outcome that are files: each can be made again after a kill. */
async function finish(
  { job, directory, files }: ExecuteOptions,
  state: LedgerState,
  source: Source | undefined,
  started: number,
): Promise<ImportResult> {
  const { run } = job
  const seconds = Math.max(0.001, (performance.now() - started) / 1000)
  const result: ImportResult = {
    outcome: state.outcome ?? undefined,
    state,
    reportPath: null,
    archived: false,
    faults: [],
    rowsPerSecond: Math.round(state.counts.rows / seconds),
  }
  if (state.outcome === null || source === undefined) return result
  if (state.counts.failed > 0) {
    const { header, delimiter } = source
    result.reportPath = await writeReport({ run, header, delimiter, directory, files })
    crashPoint('after-report')
  }
  const kept = state.outcome !== 'held' && state.outcome !== 'failed'
  if (kept && source.header.hasPassword) {
    await archiveWithoutPasswords(archivePath(run, false), source, files)
    result.archived = true
  }
  return result
}

/** The reason of a run that failed again and again through us. */
export function ownFault(): FileNotice {
  return { code: 9117, sentence: reasonSentence(9117, {}) }
}
