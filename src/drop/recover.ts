import type { Clock } from '../domain/clock.ts'
import { clientFolders, dropPath, dropRoot, incompleteName } from '../domain/layout.ts'
import type { Log } from '../domain/log.ts'
import type { AuditEntry, StateStore } from '../domain/state.ts'
import type { FileStore, StoredFile } from '../domain/storage.ts'
import { defaultLimits } from './limits.ts'
import { incompletePath } from './upload.ts'

/**
 * Where the cut upload of a stored path is kept; undefined for what no client uploads. Mails, reports and archives
 * under way are made again by their rooms.
 */
function incompleteAt(target: string): string | undefined {
  const [root, tenantId = '', ...rest] = target.split('/')
  const name = rest.pop() ?? ''
  const folder = rest.join('/')
  const byClient = folder === '' || clientFolders.some((own) => own === folder)
  if (root !== 'drop' || !byClient || name === '') return undefined
  return incompletePath(tenantId, { folder, name })
}

export interface RecoverOptions {
  state: Pick<StateStore, 'audit' | 'tenants'>
  files: FileStore
  clock: Clock
  log: Log
}

/** Turns what a dead process was receiving into cut uploads, which can be resumed; call it before any door opens. */
export async function recoverUploads({ state, files, clock, log }: RecoverOptions): Promise<void> {
  const kept = await files.recover(incompleteAt)
  for (const { path, size } of kept) {
    const [, tenantId = null] = path.split('/')
    state.audit.append(cutEntry({ at: clock.now(), tenantId, path, size }))
  }
  if (kept.length > 0) log.warn('uploads cut by an earlier end', { uploads: kept.length })
  await tellUntold({ state, files, clock })
}

// The entry is written a moment after the file is kept, and the clock of a store may be a little off.
const toleranceMs = 5_000
// Another process may be about to write the entry itself.
const otherProcessMs = 60_000
const entriesAtOnce = 500

/** Whether the audit tells of the cut upload that is kept at `path`. */
async function isTold(
  audit: StateStore['audit'],
  { tenantId, path, modifiedAt }: { tenantId: string; path: string; modifiedAt: number },
): Promise<boolean> {
  let before: number | undefined
  for (;;) {
    const entries = await audit.list({
      tenantId,
      limit: entriesAtOnce,
      ...(before === undefined ? {} : { before }),
    })
    for (const entry of entries) {
      if (entry.at < modifiedAt - toleranceMs) return false
      const [folder, name] = placeOf(entry.path ?? '')
      if (
        entry.event === 'PARTIAL_CLOSE' &&
        (incompletePath(tenantId, { folder, name }) === path || path.endsWith(`/${name}`))
      ) {
        return true
      }
    }
    before = entries.at(-1)?.seq
    if (entries.length < entriesAtOnce) return false
  }
}

/** Folder and name of a path as the client sees it. */
function placeOf(path: string): [folder: string, name: string] {
  const parts = path.split('/').filter((part) => part !== '')
  const name = parts.pop() ?? ''
  return [parts.join('/'), name]
}

/** Tells of cut uploads that are kept and that nobody has been told of: the process died in between. */
async function tellUntold({ state, files, clock }: Omit<RecoverOptions, 'log'>): Promise<void> {
  for (const { id: tenantId } of await state.tenants.list()) {
    for (const { path, size, modifiedAt } of await cutUploads(files, tenantId)) {
      if (files.shared && clock.now() - modifiedAt < otherProcessMs) continue
      if (await isTold(state.audit, { tenantId, path, modifiedAt })) continue
      state.audit.append(cutEntry({ at: clock.now(), tenantId, path, size }))
    }
  }
}

async function cutUploads(files: FileStore, tenantId: string): Promise<StoredFile[]> {
  const folders = [dropRoot(tenantId), ...clientFolders.map((name) => dropPath(tenantId, '', name))]
  const found = await Promise.all(folders.map((folder) => files.list(folder)))
  return found.flat().filter(({ path }) => path.endsWith(incompleteName('')))
}

function cutEntry(cut: {
  at: number
  tenantId: string | null
  path: string
  size: number
}): AuditEntry {
  return {
    at: cut.at,
    tenantId: cut.tenantId,
    event: 'PARTIAL_CLOSE',
    actor: null,
    address: null,
    protocol: null,
    clientVersion: null,
    path: cut.path.slice(cut.path.lastIndexOf('/')),
    bytes: cut.size,
    detail: 'the server ended in mid-upload',
  }
}

/** Deletes cut uploads that nobody has resumed for a day; resolves to how many. */
export async function sweepIncomplete({
  state,
  files,
  clock,
  log,
}: RecoverOptions): Promise<number> {
  const before = clock.now() - defaultLimits.incompleteHours * 3_600_000
  let swept = 0
  for (const { id } of await state.tenants.list()) {
    for (const { path, modifiedAt } of await cutUploads(files, id)) {
      if (modifiedAt >= before) continue
      await files.remove(path)
      swept += 1
    }
  }
  if (swept > 0) log.info('cut uploads swept', { uploads: swept })
  return swept
}
