import { AppError } from '../../domain/error.ts'
import type {
  ImportRow,
  Ledger,
  LedgerOptions,
  LedgerState,
  RowOutcome,
} from '../../domain/directory.ts'
import type { CheckedRow } from '../../domain/user.ts'
import { json, number } from '../row.ts'
import type { Waiting } from '../waiting.ts'
import { createAhead } from './ahead.ts'
import type { Ahead } from './ahead.ts'
import { openSession } from './connect.ts'
import type { Postgres, Session } from './connect.ts'
import { createChanged, keepChange, nextChange } from './changes.ts'
import { createDeferred } from './deferred.ts'
import { createFailures } from './failures.ts'
import { createFingerprints } from './fingerprints.ts'
import { createLoad, endLoadOfOthers } from './load.ts'
import { placeOf } from './place.ts'
import type { Place } from './place.ts'
import { createPresence } from './presence.ts'
import { createRowStore } from './rows.ts'
import type { RowStore } from './rows.ts'
import { createSightings } from './sightings.ts'

/** A session that alone may write to the directory of a tenant, until it ends. */
export async function openWriter(url: string, tenantId: string): Promise<Session> {
  const session = await openSession(url, { name: 'import' })
  const [row] = await session.sql`
    SELECT pg_try_advisory_lock(hashtextextended(${`directory ${tenantId}`}, 0)) AS got`
  if (row?.['got'] === true) return session
  await session.end()
  throw new AppError(
    'unavailable',
    'Cannot write to the directory: another process does, try again when it has ended',
  )
}

async function ledgerRow(
  sql: Postgres,
  directory: number,
  runId: string,
): Promise<{ run: number; state: LedgerState | null }> {
  await sql`INSERT INTO ledger (directory, run_id, state) VALUES (${directory}, ${runId}, 'null')
    ON CONFLICT (directory, run_id) DO NOTHING`
  const [row] =
    await sql`SELECT seq, state FROM ledger WHERE directory = ${directory} AND run_id = ${runId}`
  if (row === undefined) throw new Error('The ledger of the run is gone')
  return { run: number(row, 'seq'), state: json<LedgerState | null>(row, 'state') }
}

/**
 * Opens the ledger of a run in a session of its own; what an earlier process did not commit is gone.
 *
 * Lock and transaction hang on the same connection: whoever loses it can commit nothing any more.
 */
export async function openLedger(
  { url, tenantId, directory }: { url: string; tenantId: string; directory: number },
  options: LedgerOptions,
): Promise<Ledger> {
  const { runId, dryRun } = options
  const session = await openWriter(url, tenantId)
  const { sql } = session
  // A dry run is rolled back as a whole: what it finds is kept beside it.
  const aside = dryRun ? await openSession(url, { name: 'dry run' }) : undefined
  const end = async (): Promise<void> => {
    await Promise.all([session.end(), aside?.end()])
  }
  try {
    const { run, state } = await ledgerRow(sql, directory, runId)
    // Keys are looked up one by one in their index, thousands at once (look-up.ts).
    await sql.unsafe(
      'SET synchronous_commit = off; SET enable_hashjoin = off; SET enable_mergejoin = off',
    )
    const place = await placeOf(sql, directory)
    const loads = await endLoadOfOthers(sql, place, run)
    const [last] =
      await sql`SELECT max(id) AS id FROM ONLY ${sql(place.users)} WHERE directory = ${directory}`
    const failures = createFailures({ sql, directory, run, aside: aside?.sql })
    if (dryRun && state?.phase !== 'done') await failures.clear()
    await sql`BEGIN`
    return ledgerOf({
      options,
      sql,
      place,
      run,
      stored: dryRun && state?.phase !== 'done' ? undefined : (state ?? undefined),
      lastUserId: Number(last?.['id'] ?? 0),
      load: createLoad(sql, { place, run, active: loads }),
      nextChange: await nextChange(sql, directory),
      failures,
      end,
    })
  } catch (error) {
    await end()
    throw error
  }
}

interface LedgerParts {
  options: LedgerOptions
  sql: Postgres
  place: Place
  run: number
  stored: LedgerState | undefined
  lastUserId: number
  load: ReturnType<typeof createLoad>
  nextChange: number
  failures: ReturnType<typeof createFailures>
  end: () => Promise<void>
}

function ledgerOf(parts: LedgerParts): Ledger {
  const { options, sql, place, run, stored, lastUserId, load, failures, end } = parts
  const { directory } = place
  const { runId, dryRun } = options
  const fingerprints = createFingerprints(sql, directory)
  fingerprints.readAhead()
  const deferred = createDeferred(sql, run)
  const presence = createPresence(sql, place, run)
  const sightings = createSightings(sql, run)
  const now = options.now()
  let expected = 0
  let change = parts.nextChange
  const changed = createChanged()
  let rows: RowStore | undefined
  let ahead: Ahead | undefined
  let wrote = false
  let closed: Promise<void> | undefined

  const store = (): RowStore => {
    if (rows === undefined) throw new Error('The ledger has no plan yet')
    return rows
  }

  function mark(outcome: RowOutcome): RowOutcome {
    if (outcome === 'created' || outcome === 'updated') wrote = true
    return outcome
  }

  // Rows are checked while others are stored, and may fail meanwhile: one after the other on the one connection.
  let last: Promise<unknown> = Promise.resolve()
  let flushing: Promise<void> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  /** The same, but not while rows are on their way. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => inTurn(() => load.flush().then(work))

  /** The next rows are read meanwhile. */
  async function flushFailures(): Promise<void> {
    await flushing
    flushing = (dryRun ? inTurn : alone)(() => failures.flush())
    flushing.catch(() => undefined)
  }

  async function beginLoad(): Promise<void> {
    const rowsToCome = expected
    expected = 0
    if (rowsToCome > 0) await load.begin(rowsToCome)
  }

  async function apply(given: readonly ImportRow[]): Promise<RowOutcome[]> {
    await Promise.all([fingerprints.arrived(), ahead?.arrived()])
    await beginLoad()
    const { outcomes, created } = await store().apply(given)
    await keepPasswords(given, created)
    const waiting: Waiting[] = []
    for (const [index, outcome] of outcomes.entries()) {
      const row = given[index]
      if (row === undefined) continue
      mark(outcome)
      if (typeof outcome !== 'object') continue
      if (!outcome.reasons.some(({ code }) => code === 9019 || code === 9020)) continue
      waiting.push(await waitingFor(row))
      outcomes[index] = 'deferred'
    }
    await deferred.keep(waiting)
    return outcomes
  }

  async function keepPasswords(
    given: readonly ImportRow[],
    created: ReadonlyMap<CheckedRow, number>,
  ): Promise<void> {
    const hashes = new Map<number, string>()
    if (dryRun) return
    for (const { row } of given) {
      const id = created.get(row)
      if (id !== undefined && row.password !== null) {
        hashes.set(id, await options.hashPassword(row.password))
      }
    }
    await store().setPasswords(hashes)
  }

  async function waitingFor(given: ImportRow): Promise<Waiting> {
    const { row, hash } = given
    const passwordHash =
      dryRun || row.password === null ? null : await options.hashPassword(row.password)
    return { row, hash, failure: given.failure(), passwordHash }
  }

  return {
    stored,
    lastUserId,
    fingerprints: (visit) => fingerprints.visit(visit),
    plan(plan) {
      ahead = createAhead({ sql, place, fields: plan.fields })
      rows = createRowStore({
        sql,
        place,
        ahead,
        run,
        plan,
        now,
        change: () => change,
        changed,
        lastUserId,
        load,
        onFault: (error) => options.onFault?.(error),
        remember: (id, hash) => fingerprints.set(id, hash),
      })
    },
    expect(count) {
      if (!dryRun) expected = count
      return false
    },
    // Many rows share the statements of a call, and the next are read meanwhile: with more neither waits less.
    rowsAtOnce: 1_000,
    apply: (given) => inTurn(() => apply(given)),
    failedBefore: (rules) => failures.before(rules),
    async fail(failure, hash) {
      if (failures.add(failure, hash)) await flushFailures()
    },
    async failAgain(line, index) {
      if (failures.addAgain(line, index)) await flushFailures()
    },
    async settle(each) {
      await load.end()
      // Tries are taken back there.
      ahead?.clear()
      await deferred.settle({
        rows: store(),
        trial: fingerprints.trial,
        each: async (outcome, waiting) => each(mark(outcome), waiting),
      })
    },
    sight: (found) => sightings.add(found),
    judge: () => sightings.judge(),
    verdicts: (line, limit) => alone(() => sightings.verdicts(line, limit)),
    lookAhead: (uuids, likely) => ahead?.begin(uuids, likely),
    async find(keys) {
      await ahead?.arrived()
      return presence.find(keys, (uuid) => ahead?.find(uuid))
    },
    holders: (keys) => presence.holders(keys),
    keepPresence: (users) => presence.keep(users),
    presence: () => presence.kept(),
    absent: (present) => presence.absent(present),
    async deactivate(present) {
      const count = await presence.deactivate(present, { now, change, changed })
      if (count > 0) wrote = true
      return count
    },
    async commit(state) {
      // A dry run is one transaction that is rolled back in the end; after a kill it begins again.
      if (dryRun && state.phase !== 'done') return
      await flushing
      if (dryRun) {
        await sql`ROLLBACK`
        await failures.flush()
        await sql`BEGIN`
      } else {
        await beginLoad()
        await load.flush()
        // A batch may be lost with the machine: it is then done again, for the run's own place goes with it.
        if (state.phase === 'done') await sql`SET LOCAL synchronous_commit = on`
        if (wrote) {
          await keepChange(sql, { directory, change, at: options.now(), by: runId, changed })
          change += 1
        }
        await failures.flush()
        await fingerprints.flush()
        if (state.phase === 'done') await load.end()
      }
      await sql`UPDATE ledger SET state = ${JSON.stringify(state)} WHERE seq = ${run}`
      // What only the rest of the run would need; a held one is still looked at.
      if (state.phase === 'done' && state.outcome !== 'held') {
        for (const table of ['verdicts', 'deferred', 'presence']) {
          await sql`DELETE FROM ${sql(table)} WHERE run = ${run}`
        }
      }
      await sql`COMMIT`
      wrote = false
      sightings.forget()
      await sql`BEGIN`
    },
    close() {
      load.cut()
      closed ??= end()
      return closed
    },
  }
}
