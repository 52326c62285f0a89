import type { StateStore } from '../../domain/state.ts'
import { accountStore, tokenStore } from './accounts.ts'
import { auditStore } from './audit.ts'
import { dropStore } from './drops.ts'
import { idempotencyStore } from './idempotency.ts'
import { createMark } from './mark.ts'
import { openSqlite } from './open.ts'
import { outboxStore } from './outbox.ts'
import { processLock } from './process-lock.ts'
import { runStore } from './runs.ts'
import { sessionStore } from './sessions.ts'
import { tenantStore } from './tenants.ts'
import { webhookStore } from './webhooks.ts'

/** Opens `state.db` at `file` (or `:memory:`); it belongs to the one thread that opened it. */
export function openState(file: string): StateStore {
  const db = openSqlite(file, 'state')
  const audit = auditStore(db)
  const tails = new Map<string, Promise<unknown>>()
  const owned = new Set<string>()
  const lock = processLock(file === ':memory:' ? undefined : `${file}.owner`)
  let closed = false

  return {
    tenants: tenantStore(db),
    accounts: accountStore(db),
    tokens: tokenStore(db),
    drops: dropStore(db),
    runs: runStore(db),
    outbox: outboxStore(db),
    audit,
    idempotency: idempotencyStore(db),
    sessions: sessionStore(db),
    webhooks: webhookStore(db),
    // One process owns the file, so a queue per tenant in memory is enough.
    exclusive(tenantId, work) {
      const turn = (tails.get(tenantId) ?? Promise.resolve()).then(work, work)
      const tail = turn
        .catch(() => undefined)
        .finally(() => {
          if (tails.get(tenantId) === tail) tails.delete(tenantId)
        })
      tails.set(tenantId, tail)
      return turn
    },
    shared: false,
    // A process that owns anything has the whole folder: imports, mails and webhooks are not for two.
    async own(what) {
      if (owned.has(what) || !lock.take()) return undefined
      owned.add(what)
      return async () => void owned.delete(what)
    },
    turn: async () => true,
    signals: { send: () => undefined, on: () => () => undefined },
    mark: createMark(db),
    aheadMs: () => 0,
    async ping() {
      db.exec('SELECT 1')
    },
    async close() {
      if (closed) return
      closed = true
      audit.flush()
      db.close()
      lock.close()
    },
  }
}
