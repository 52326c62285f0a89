import type { Clock } from '../domain/clock.ts'
import { clientFolders, dropPath, dropRoot, incompleteName } from '../domain/layout.ts'
import type { Log } from '../domain/log.ts'
import type { StateStore } from '../domain/state.ts'
import type { FileStore } from '../domain/storage.ts'
import { defaultLimits } from './limits.ts'
import { incompletePath } from './upload.ts'

/** Where the cut upload of a stored path is kept. */
function incompleteAt(target: string): string | undefined {
  const [, tenantId = '', ...rest] = target.split('/')
  const name = rest.pop() ?? ''
  return name === '' ? undefined : incompletePath(tenantId, { folder: rest.join('/'), name })
}

export interface RecoverOptions {
  state: Pick<StateStore, 'audit' | 'tenants'>
  files: FileStore
  clock: Clock
  log: Log
}

/** Turns what a dead process was receiving into cut uploads, which can be resumed; call it before any door opens. */
export async function recoverUploads({ state, files, clock, log }: RecoverOptions): Promise<void> {
  // Mails and reports under way are made again by their rooms.
  const kept = await files.recover((target) =>
    target.startsWith('drop/') ? incompleteAt(target) : undefined,
  )
  for (const { path, size } of kept) {
    const [, tenantId = null] = path.split('/')
    state.audit.append({
      at: clock.now(),
      tenantId,
      event: 'PARTIAL_CLOSE',
      actor: null,
      address: null,
      protocol: null,
      clientVersion: null,
      path: path.slice(path.lastIndexOf('/')),
      bytes: size,
      detail: 'the server ended in mid-upload',
    })
  }
  if (kept.length > 0) log.warn('uploads cut by an earlier end', { uploads: kept.length })
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
    for (const folder of [dropRoot(id), ...clientFolders.map((name) => dropPath(id, '', name))]) {
      for (const { path, modifiedAt } of await files.list(folder)) {
        if (path.endsWith(incompleteName('')) && modifiedAt < before) {
          await files.remove(path)
          swept += 1
        }
      }
    }
  }
  if (swept > 0) log.info('cut uploads swept', { uploads: swept })
  return swept
}
