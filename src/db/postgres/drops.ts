import type { DropStore } from '../../domain/state.ts'
import { dropOf } from '../mapping.ts'
import { number, text } from '../row.ts'
import type { Postgres } from './connect.ts'
import { runColumns } from './runs.ts'

/** The settled and settling files that no run has claimed yet. */
export function dropStore(sql: Postgres): DropStore {
  return {
    async record(drop) {
      await sql`INSERT INTO drops (id, tenant_id, path, folder, filename, size_bytes, sha256, source, actor, committed_at, ready_at)
        VALUES (${drop.id}, ${drop.tenantId}, ${drop.path}, ${drop.folder}, ${drop.filename}, ${drop.sizeBytes},
          ${drop.sha256}, ${drop.source}, ${drop.actor}, ${drop.committedAt}, ${drop.readyAt})`
    },
    async findAt(tenantId, path) {
      const [row] = await sql`SELECT * FROM drops
        WHERE tenant_id = ${tenantId} AND md5(path) = md5(${path}) AND path = ${path}`
      return row && dropOf(row)
    },
    async update(drop) {
      await sql`UPDATE drops SET path = ${drop.path}, folder = ${drop.folder}, filename = ${drop.filename},
        size_bytes = ${drop.sizeBytes}, sha256 = ${drop.sha256}, committed_at = ${drop.committedAt},
        ready_at = ${drop.readyAt} WHERE tenant_id = ${drop.tenantId} AND id = ${drop.id}`
    },
    async remove(tenantId, id) {
      await sql`DELETE FROM drops WHERE tenant_id = ${tenantId} AND id = ${id}`
    },
    async list(tenantId) {
      return (await sql`SELECT * FROM drops WHERE tenant_id = ${tenantId} ORDER BY seq`).map(dropOf)
    },
    async nextReadyAt() {
      const [row] = await sql`SELECT ready_at FROM drops ORDER BY ready_at LIMIT 1`
      return row && number(row, 'ready_at')
    },
    async readyTenants(now) {
      const rows =
        await sql`SELECT tenant_id FROM drops WHERE ready_at <= ${now} GROUP BY tenant_id ORDER BY min(seq)`
      return rows.map((row) => text(row, 'tenant_id'))
    },
    async claim(drop, run) {
      const row = runColumns(run)
      // One statement: the run is there exactly when the drop is gone. Whoever else is at it just now has it.
      const { count } = await sql`
        WITH free AS (
          SELECT seq FROM drops WHERE tenant_id = ${drop.tenantId} AND id = ${drop.id} FOR UPDATE SKIP LOCKED
        ), claimed AS (
          DELETE FROM drops USING free WHERE drops.seq = free.seq RETURNING 1
        )
        INSERT INTO runs (id, tenant_id, filename, source, state, dry_run, sha256, created_at, finished_at, archived_at,
          version, row_count, failed, body)
        SELECT ${row.id}, ${row.tenant_id}, ${row.filename}, ${row.source}, ${row.state}, ${row.dry_run}::int,
          ${row.sha256}, ${row.created_at}::bigint, ${row.finished_at}::bigint, ${row.archived_at}::bigint,
          ${row.version}::bigint, ${row.row_count}::bigint, ${row.failed}::bigint, ${row.body}
        FROM claimed`
      return count === 1
    },
  }
}
