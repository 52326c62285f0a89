import type { StateStore } from '../../domain/state.ts'
import { accountStore, sessionStore, tokenStore } from './accounts.ts'
import { auditStore } from './audit.ts'
import { openPool, openSession } from './connect.ts'
import type { Postgres } from './connect.ts'
import { dropStore } from './drops.ts'
import { guarded } from './fault.ts'
import { idempotencyStore } from './idempotency.ts'
import { createLocks } from './locks.ts'
import { migrate } from './migrate.ts'
import { outboxStore } from './outbox.ts'
import { runStore } from './runs.ts'
import { createSignals } from './signals.ts'
import { tenantStore } from './tenants.ts'

// Every statement is short: more would only queue up in the server.
const poolConnections = 10
const measureClockMs = 60_000

/** Opens the state in the PostgreSQL database at `url`, migrated when needed; any number of processes may. */
export async function openState(url: string): Promise<StateStore> {
  await migrate(url)
  const sql = await openPool(url, poolConnections)
  const audit = auditStore(sql)
  const locks = createLocks(() => openSession(url, { name: 'locks' }))
  const signals = createSignals(sql, url)
  let ahead = await aheadOf(sql)
  const timer = setInterval(() => {
    aheadOf(sql).then(
      (measured) => (ahead = measured),
      () => undefined,
    )
  }, measureClockMs)
  timer.unref()
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    clearInterval(timer)
    // What cannot be written now cannot be written at all.
    await audit.flush().catch(() => undefined)
    await signals.end()
    await locks.end()
    await sql.end({ timeout: 5 })
  }

  return {
    ...guarded({
      exclusive: <T>(tenantId: string, work: () => Promise<T>) =>
        locks.exclusive(`exclusive ${tenantId}`, work),
      own: (tenantId: string) => locks.take(`own ${tenantId}`),
      async ping() {
        await sql`SELECT 1`
      },
    }),
    tenants: guarded(tenantStore(sql)),
    accounts: guarded(accountStore(sql)),
    tokens: guarded(tokenStore(sql)),
    sessions: guarded(sessionStore(sql)),
    drops: guarded(dropStore(sql)),
    runs: guarded(runStore(sql)),
    outbox: guarded(outboxStore(sql)),
    audit: guarded(audit),
    idempotency: guarded(idempotencyStore(sql)),
    shared: true,
    signals,
    aheadMs: () => ahead,
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** The server's clock against ours, taken in the middle of the round trip. */
async function aheadOf(sql: Postgres): Promise<number> {
  const before = Date.now()
  const [row] = await sql<
    { now: number }[]
  >`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now`
  const after = Date.now()
  const off = Math.round((row?.now ?? after) - (before + after) / 2)
  // A clock that is well kept is left alone: times then never jump.
  return Math.abs(off) < 1000 ? 0 : off
}
