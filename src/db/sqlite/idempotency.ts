import type { DatabaseSync } from 'node:sqlite'
import type { IdempotencyStore } from '../../domain/state.ts'
import { idempotencyOf } from '../mapping.ts'
import { inTransaction } from './open.ts'

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
        return row === undefined ? record : idempotencyOf(row)
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
