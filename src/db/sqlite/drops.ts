import type { DatabaseSync } from 'node:sqlite'
import type { DropStore } from '../../domain/state.ts'
import { dropOf } from '../mapping.ts'
import { number, text } from '../row.ts'
import { inTransaction } from './open.ts'
import { insertRun } from './runs.ts'

/** The settled and settling files of `state.db` that no run has claimed yet. */
export function dropStore(db: DatabaseSync): DropStore {
  const insert = db.prepare(
    `INSERT INTO drops (id, tenant_id, path, folder, filename, size_bytes, sha256, source, actor, committed_at, ready_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const atPath = db.prepare('SELECT * FROM drops WHERE tenant_id = ? AND path = ?')
  const change = db.prepare(
    `UPDATE drops SET path = ?, folder = ?, filename = ?, size_bytes = ?, sha256 = ?, committed_at = ?, ready_at = ?
     WHERE tenant_id = ? AND id = ?`,
  )
  const remove = db.prepare('DELETE FROM drops WHERE tenant_id = ? AND id = ?')
  const ofTenant = db.prepare('SELECT * FROM drops WHERE tenant_id = ? ORDER BY seq')
  const next = db.prepare('SELECT min(ready_at) AS ready_at FROM drops')
  const ready = db.prepare(
    'SELECT tenant_id FROM drops WHERE ready_at <= ? GROUP BY tenant_id ORDER BY min(seq)',
  )

  return {
    async record(drop) {
      insert.run(
        drop.id,
        drop.tenantId,
        drop.path,
        drop.folder,
        drop.filename,
        drop.sizeBytes,
        drop.sha256,
        drop.source,
        drop.actor,
        drop.committedAt,
        drop.readyAt,
      )
    },
    async findAt(tenantId, path) {
      const row = atPath.get(tenantId, path)
      return row && dropOf(row)
    },
    async update(drop) {
      change.run(
        drop.path,
        drop.folder,
        drop.filename,
        drop.sizeBytes,
        drop.sha256,
        drop.committedAt,
        drop.readyAt,
        drop.tenantId,
        drop.id,
      )
    },
    async remove(tenantId, id) {
      remove.run(tenantId, id)
    },
    async list(tenantId) {
      return ofTenant.all(tenantId).map(dropOf)
    },
    async nextReadyAt() {
      const row = next.get()
      return row === undefined || row['ready_at'] === null ? undefined : number(row, 'ready_at')
    },
    async readyTenants(now) {
      return ready.all(now).map((row) => text(row, 'tenant_id'))
    },
    async claim(drop, run) {
      return inTransaction(db, () => {
        if (remove.run(drop.tenantId, drop.id).changes === 0) return false
        insertRun(db, run)
        return true
      })
    },
  }
}
