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
import { webhookStore } from './webhooks.ts'

const measureClockMs = 60_000

/** Opens the state in the PostgreSQL database at `url`, migrated when needed; any number of processes may. */
export async function openState(
  url: string,
  connections: number,
): Promise<{ state: StateStore; sql: Postgres }> {
  await migrate(url)
  const sql = await openPool(url, connections)
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

  const state: StateStore = {
    ...guarded({
      exclusive: <T>(tenantId: string, work: () => Promise<T>) =>
        locks.exclusive(`exclusive ${tenantId}`, work),
      own: (what: string) => locks.take(`own ${what}`),
      async turn(what: string, everyMs: number) {
        // By the server's clock. A tenth less, as the clocks of those who ask do not tick evenly.
        const { count } = await sql`INSERT INTO turns VALUES (${what}, clock_timestamp())
          ON CONFLICT (what) DO UPDATE SET at = excluded.at
          WHERE turns.at <= excluded.at - ${everyMs * 0.9} * interval '1 millisecond'`
        return count === 1
      },
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
    webhooks: guarded(webhookStore(sql)),
    shared: true,
    signals,
    // Any process may write at any time.
    mark: () => undefined,
    aheadMs: () => ahead,
    close() {
      closing ??= close()
      return closing
    },
  }
  return { state, sql }
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
