import type { DatabaseSync } from 'node:sqlite'
import type { AuditEntry, AuditStore } from '../../domain/state.ts'
import { auditOf, storedAudit } from '../mapping.ts'
import { inTransaction } from './open.ts'

// Entries gather for this long, so that a login or a small file costs no fsync of its own.
const gatherMs = 200
// A flood must not gather without bound.
const gatherEntries = 1_000

/** The append-only audit of `state.db`; `flush` writes what has gathered. */
export function auditStore(db: DatabaseSync): AuditStore & { flush(): void } {
  const insert = db.prepare(
    `INSERT INTO audit (at, tenant_id, event, actor, address, protocol, client_version, path, bytes, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  let gathered: AuditEntry[] = []
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const entries = gathered
    gathered = []
    if (entries.length === 0) return
    inTransaction(db, () => {
      for (const entry of entries.map(storedAudit)) {
        insert.run(
          entry.at,
          entry.tenantId,
          entry.event,
          entry.actor,
          entry.address,
          entry.protocol,
          entry.clientVersion,
          entry.path,
          entry.bytes,
          entry.detail,
        )
      }
    })
  }

  return {
    flush,
    append(entry) {
      gathered.push(entry)
      if (gathered.length >= gatherEntries) flush()
      else timer ??= setTimeout(flush, gatherMs).unref()
    },
    async list({ tenantId, before, limit }) {
      flush()
      const select = db.prepare(
        `SELECT * FROM audit WHERE (?1 IS NULL OR tenant_id = ?1) AND seq < ?2 ORDER BY seq DESC LIMIT ?3`,
      )
      return select.all(tenantId ?? null, before ?? Number.MAX_SAFE_INTEGER, limit).map(auditOf)
    },
  }
}
