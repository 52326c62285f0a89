import type { AuditEntry, AuditStore } from '../../domain/state.ts'
import { auditOf, storedAudit } from '../mapping.ts'
import type { Postgres } from './connect.ts'

// Entries gather for this long, so that a login or a small file costs no round trip of its own.
const gatherMs = 200
const entriesAtOnce = 1_000
// While the database is away; beyond it the oldest are given up.
const mostGathered = 50_000

/** The append-only audit; `flush` writes what has gathered. */
export function auditStore(sql: Postgres): AuditStore & { flush(): Promise<void> } {
  let gathered: AuditEntry[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    while (gathered.length > 0) {
      const entries = gathered.slice(0, entriesAtOnce)
      const rows = entries.map(storedAudit).map((entry) => ({
        at: entry.at,
        tenant_id: entry.tenantId,
        event: entry.event,
        actor: entry.actor,
        address: entry.address,
        protocol: entry.protocol,
        client_version: entry.clientVersion,
        path: entry.path,
        bytes: entry.bytes,
        detail: entry.detail,
      }))
      await sql`INSERT INTO audit ${sql(rows)}`
      gathered = gathered.slice(entries.length)
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.catch(() => undefined).then(write)
    return writing
  }

  function later(): void {
    timer ??= setTimeout(() => {
      flush().catch(later)
    }, gatherMs).unref()
  }

  return {
    flush,
    append(entry) {
      gathered.push(entry)
      if (gathered.length > mostGathered) gathered = gathered.slice(-mostGathered)
      later()
    },
    async list({ tenantId, before, limit }) {
      await flush()
      const rows = await sql`SELECT * FROM audit WHERE true
        ${tenantId === undefined ? sql`` : sql`AND tenant_id = ${tenantId}`}
        ${before === undefined ? sql`` : sql`AND seq < ${before}`}
        ORDER BY seq DESC LIMIT ${limit}`
      return rows.map(auditOf)
    },
  }
}
