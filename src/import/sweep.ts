import { newId } from '../domain/id.ts'
import {
  baseName,
  clientFolders,
  dropPath,
  dropRoot,
  incompleteName,
  nameKind,
} from '../domain/layout.ts'
import { fileNotice } from '../domain/reason.ts'
import type { FileNotice, Run } from '../domain/run.ts'
import type { MailKind } from '../domain/state.ts'
import type { StoredFile } from '../domain/storage.ts'
import type { Tenant } from '../domain/tenant.ts'
import { crashPoint } from './crash-point.ts'
import type { OutcomeKeeper } from './outcome.ts'
import { newRun } from './queue.ts'
import type { QueueOptions } from './queue.ts'

// A held run that nobody decides on is rejected (file-format.md section 4).
const heldHours = 72
// A client that lost its connection mostly comes back and resumes: only then is it told.
const incompleteQuietMinutes = 15
const runsAtOnce = 100
const hourMs = 3_600_000

/** What is done at each tick of the interval, tenant by tenant; a fault at one stops no other. */
export function createSweep(options: QueueOptions & { outcome: OutcomeKeeper }) {
  const { state, files, clock, log, outcome } = options
  const { drops, runs, tenants } = state

  /** A file that came by no session, such as one copied into the folder, becomes a drop. */
  async function recordFound(tenant: Tenant, folder: string, file: StoredFile): Promise<void> {
    const now = clock.now()
    if (file.modifiedAt + tenant.settings.settleSeconds * 1_000 > now) return
    await state.exclusive(tenant.id, async () => {
      if ((await files.stat(file.path)) === undefined) return
      if ((await drops.findAt(tenant.id, file.path)) !== undefined) return
      await drops.record({
        id: newId('drop', clock),
        tenantId: tenant.id,
        path: file.path,
        folder,
        filename: baseName(file.path),
        sizeBytes: file.size,
        sha256: null,
        source: 'folder',
        actor: null,
        committedAt: now,
        readyAt: now,
      })
    })
  }

  /** Tells the client of a file that stays where it is: once for each name and time of change. */
  async function noticeOnce(
    tenant: Tenant,
    file: StoredFile,
    notice: FileNotice,
    kind: MailKind,
  ): Promise<void> {
    const filename = baseName(file.path)
    // A cut file that was imported up to its end came back under the name with `.incomplete`.
    const names = [...new Set([filename, uploadedName(filename)])]
    for (const name of names) {
      const earlier = await runs.list({ tenantId: tenant.id, filename: name, limit: runsAtOnce })
      const told = earlier.find(
        (run) => run.sourcePath === file.path && run.createdAt >= file.modifiedAt,
      )
      // Once more, where a kill came in between: a mail that is there stays the only one.
      if (told !== undefined) return outcome.addMails(told, tenant, [kind])
    }
    const now = clock.now()
    const run = newRun(clock, {
      tenantId: tenant.id,
      filename,
      source: 'folder',
      actor: null,
      sourcePath: file.path,
      sizeBytes: file.size,
      state: 'failed',
      fileReason: notice,
      finishedAt: now,
      // It stays where it is: there is nothing to archive.
      archivedAt: now,
      mail: 'queued',
    })
    await runs.create(run)
    crashPoint('after-notice')
    await outcome.addMails(run, tenant, [kind])
  }

  async function lookAt(tenant: Tenant, folder: string, file: StoredFile): Promise<void> {
    const name = baseName(file.path)
    const kind = nameKind(name)
    if (kind === 'taken') return recordFound(tenant, folder, file)
    const quietMs = clock.now() - file.modifiedAt
    if (kind === 'other') {
      if (quietMs < tenant.settings.settleSeconds * 1_000) return
      const what = 'a file of a name that is not imported, .csv, .txt or .tsv is needed at its end'
      return noticeOnce(tenant, file, fileNotice(9109, { name, what }), 'rejected')
    }
    if (name.endsWith(incompleteName('')) && quietMs > incompleteQuietMinutes * 60_000) {
      const notice = fileNotice(9113, { name: uploadedName(name) })
      return noticeOnce(tenant, file, notice, 'incomplete')
    }
  }

  async function dropFolders(tenant: Tenant): Promise<void> {
    for (const folder of ['', ...clientFolders]) {
      const path = folder === '' ? dropRoot(tenant.id) : dropPath(tenant.id, '', folder)
      for (const file of await files.list(path)) await lookAt(tenant, folder, file)
    }
  }

  /** Deletes archived files and reports that are past the client's retention, by the time in their names. */
  async function retention(tenant: Tenant): Promise<void> {
    const before = clock.now() - tenant.settings.archiveDays * 24 * hourMs
    for (const folder of ['bak', 'failed']) {
      for (const { path } of await files.list(dropPath(tenant.id, '', folder))) {
        const archivedAt = timeInName(path)
        if (archivedAt !== undefined && archivedAt < before) await files.remove(path)
      }
    }
  }

  /** Tells a client once of each time in which no file came for as long as its settings say. */
  async function tellSilence(tenant: Tenant): Promise<void> {
    const { silenceHours } = tenant.settings
    if (silenceHours === null) return
    const recent = await runs.list({ tenantId: tenant.id, limit: runsAtOnce })
    const last = recent.find((run) => !isNotice(run))
    const now = clock.now()
    if (now - (last?.createdAt ?? tenant.createdAt) < silenceHours * hourMs) return
    if (last !== undefined) return outcome.addMails(last, tenant, ['silence'])
    await outcome.addFirstSilence(tenant)
  }

  async function expireHeld(tenant: Tenant): Promise<void> {
    const held = await runs.list({ tenantId: tenant.id, states: ['held'], limit: runsAtOnce })
    for (const run of held) {
      if (clock.now() - run.createdAt < heldHours * hourMs) continue
      await outcome.close(run, tenant, 'expire', { mails: ['rejected'] })
    }
  }

  return {
    async run(): Promise<void> {
      for (const tenant of await tenants.list()) {
        try {
          await dropFolders(tenant)
          await expireHeld(tenant)
          await retention(tenant)
          await tellSilence(tenant)
        } catch (error) {
          log.error('sweep of a client failed', { tenant: tenant.id, error })
        }
      }
    },
  }
}

/** The name that a cut upload was sent under. */
function uploadedName(name: string): string {
  const ending = incompleteName('')
  return name.endsWith(ending) ? name.slice(0, -ending.length) : name
}

/** True for a run that only tells of a file that stays where it is. */
function isNotice({ source, state, startedAt }: Run): boolean {
  return source === 'folder' && state === 'failed' && startedAt === null
}

/** The time that the name of an archived file or of a report was given; undefined for any other name. */
function timeInName(path: string): number | undefined {
  const match = /[.-](\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}(?:\.rejected)?\.csv$/.exec(
    path,
  )
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number)
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
}
