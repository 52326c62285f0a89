import type { IdempotencyStore } from '../../domain/state.ts'
import { idempotencyOf } from '../mapping.ts'
import type { Postgres } from './connect.ts'

/** The used idempotency keys. */
export function idempotencyStore(sql: Postgres): IdempotencyStore {
  return {
    async reserve(record, since) {
      const { tenantId, key, fingerprint, runId, createdAt } = record
      await sql`DELETE FROM idempotency WHERE created_at < ${since}`
      // An update that changes nothing waits for another caller of the same key and gives back what it kept.
      const [row] = await sql`INSERT INTO idempotency AS kept
        VALUES (${tenantId}, ${key}, ${fingerprint}, ${runId}, ${createdAt})
        ON CONFLICT (tenant_id, key) DO UPDATE SET key = kept.key RETURNING *`
      return row === undefined ? record : idempotencyOf(row)
    },
    async assign(tenantId, key, runId) {
      await sql`UPDATE idempotency SET run_id = ${runId} WHERE tenant_id = ${tenantId} AND key = ${key}`
    },
    async release(tenantId, key) {
      await sql`DELETE FROM idempotency WHERE tenant_id = ${tenantId} AND key = ${key}`
    },
  }
}
