import { zeroCounts } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { Drop, StateStore } from '../../src/domain/state.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

/** Opens the database of this name: an empty one the first time, the same one after a close. */
export type OpenState = (name: string) => Promise<StateStore>

/** A file that has landed. */
export const drop: Drop = {
  id: 'drp_1',
  tenantId: 'ten_a',
  path: 'drop/ten_a/users.csv',
  folder: '',
  filename: 'users.csv',
  sizeBytes: 10,
  sha256: null,
  source: 'sftp',
  actor: 'acme',
  committedAt: 5,
  readyAt: 7,
}

/** A drop with `changes`. */
export const dropOf = (changes: Partial<Drop>): Drop => ({ ...drop, ...changes })

/** A run with `changes`. */
export function runOf(id: string, changes: Partial<Run> = {}): Run {
  return {
    id,
    tenantId: 'ten_a',
    filename: 'users.csv',
    source: 'sftp',
    actor: null,
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'queued',
    counts: { ...zeroCounts },
    sizeBytes: 10,
    sha256: null,
    encoding: null,
    delimiter: null,
    columns: [],
    ignoredColumns: [],
    notices: [],
    fileReason: null,
    reasons: [],
    bytesRead: 0,
    rowsPerSecond: 0,
    createdAt: 1,
    startedAt: null,
    finishedAt: null,
    sourcePath: drop.path,
    archivedAt: null,
    reportPath: null,
    mail: 'none',
    version: 1,
    ...changes,
  }
}

/** Opens state stores with one tenant in them, each another one unless it is named. */
export function tenantOpener(
  open: OpenState,
  kind: string,
): (name?: string) => Promise<StateStore> {
  let opened = 0
  return async (database) => {
    opened += 1
    const state = await open(database ?? `${kind}_${opened}`)
    await state.tenants.create({
      id: 'ten_a',
      name: 'Acme',
      settings: { ...defaultSettings },
      settingsVersion: 1,
      userTypes: [],
      loginSources: [],
      createdAt: 1,
    })
    return state
  }
}
