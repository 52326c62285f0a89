import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Directory } from '../../domain/directory.ts'
import type { UserReader } from '../../domain/user-reader.ts'
import { listFailures } from './directory-failures.ts'
import { userOf } from '../user-row.ts'
import { userReader } from './directory-users.ts'
import { enterNames } from './directory-names.ts'
import { openLedger } from './directory-ledger.ts'
import { revertRun } from './directory-revert.ts'
import { openSqlite } from './open.ts'
import { text } from '../row.ts'

export interface DirectoryOptions {
  /** `directory/<tenant>.db`, or `:memory:`. */
  file: string
  /** The file belongs to this tenant and no other. */
  tenantId: string
}

// A first load takes a tenth less time than with 4 KiB, users here and there a little more; with 16 KiB a sixth more
// (docs/performance.md).
const pageBytes = 8192
const logBytes = 64 * 1024 * 1024

/** Opens a tenant's directory to write to it: one opener at a time. */
export function openDirectory({ file, tenantId }: DirectoryOptions): Directory & UserReader {
  const db = openSqlite(file, 'directory', pageBytes)
  // 64 MiB of the log a checkpoint; 32 MB of cache keep the pages of a nightly file with changes from its one pass to the other.
  db.exec(`PRAGMA wal_autocheckpoint = ${logBytes / pageBytes}; PRAGMA cache_size = -32000`)
  db.prepare("INSERT OR IGNORE INTO facts VALUES ('tenant', ?)").run(tenantId)
  const owner = db.prepare("SELECT value FROM facts WHERE name = 'tenant'").get()
  if (owner?.['value'] !== tenantId) {
    db.close()
    throw new Error('The directory file belongs to another tenant')
  }
  return directoryOf(db)
}

/** Opens a directory for reading beside its writer; undefined when the tenant has none yet. */
export function openDirectoryReader(file: string): (Directory & UserReader) | undefined {
  if (!existsSync(file)) return undefined
  const db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  const version = db.prepare('PRAGMA user_version').get()?.['user_version']
  if (Number(version) === 0) {
    db.close()
    return undefined
  }
  return directoryOf(db)
}

function directoryOf(db: DatabaseSync): Directory & UserReader {
  return {
    ...userReader(db),
    async begin(options) {
      return openLedger(db, options)
    },
    async failures(runId, options) {
      return listFailures(db, runId, options)
    },
    async hasRawFailures(runId) {
      const row = db
        .prepare(
          // One with a fingerprint was split, or it would not have been checked.
          `SELECT 1 FROM failures WHERE run = (SELECT seq FROM ledger WHERE run_id = ?)
           AND hash = 0 AND substr(body, -11) <> '"raw":null}' LIMIT 1`,
        )
        .get(runId)
      return row !== undefined
    },
    async changedBy() {
      const row = db.prepare("SELECT value FROM facts WHERE name = 'changed_by'").get()
      return row === undefined ? null : text(row, 'value')
    },
    async identifiers(field) {
      // As one text: a value at a time takes ten times as long. No identifier has a line break in it.
      const row = db
        .prepare(
          `SELECT group_concat(value, char(10)) AS list
           FROM (SELECT ${field} AS value FROM users WHERE ${field} IS NOT NULL LIMIT 5000)`,
        )
        .get()
      const list = row?.['list']
      return typeof list === 'string' ? list.split('\n') : []
    },
    async users({ after = 0, limit }) {
      return db
        .prepare('SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ?')
        .all(after, limit)
        .map(userOf)
    },
    async enterNames() {
      await enterNames(db)
    },
    async revert(runId, by, now) {
      return revertRun(db, { runId, by, now })
    },
    async close() {
      if (db.isOpen) db.close()
    },
  }
}
