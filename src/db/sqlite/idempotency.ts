import type { DatabaseSync } from 'node:sqlite'
import type { IdempotencyRecord, IdempotencyStore } from '../../domain/state.ts'
import { inTransaction } from './open.ts'
import { number, text } from './row.ts'
import type { Row } from './row.ts'

function recordOf(row: Row): IdempotencyRecord {
  return {
    tenantId: text(row, 'tenant_id'),
    key: text(row, 'key'),
    fingerprint: text(row, 'fingerprint'),
    runId: text(row, 'run_id'),
    createdAt: number(row, 'created_at'),
  }
}

/** The used idempotency keys of `state.db`. */
export function idempotencyStore(db: DatabaseSync): IdempotencyStore {
  const sweep = db.prepare('DELETE FROM idempotency WHERE created_at < ?')
  const insert = db.prepare('INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?, ?)')
  const find = db.prepare('SELECT * FROM idempotency WHERE tenant_id = ? AND key = ?')
  const change = db.prepare('UPDATE idempotency SET run_id = ? WHERE tenant_id = ? AND key = ?')
  const remove = db.prepare('DELETE FROM idempotency WHERE tenant_id = ? AND key = ?')

  return {
    async reserve(record, since) {
      return inTransaction(db, () => {
        sweep.run(since)
        const { tenantId, key, fingerprint, runId, createdAt } = record
        insert.run(tenantId, key, fingerprint, runId, createdAt)
        const row = find.get(tenantId, key)
        return row === undefined ? record : recordOf(row)
      })
    },
    async assign(tenantId, key, runId) {
      change.run(runId, tenantId, key)
    },
    async release(tenantId, key) {
      remove.run(tenantId, key)
    },
  }
}
