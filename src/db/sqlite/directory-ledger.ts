import type { DatabaseSync } from 'node:sqlite'
import type {
  ImportRow,
  Ledger,
  LedgerOptions,
  LedgerState,
  RowOutcome,
  RowPlan,
} from '../../domain/directory.ts'
import { createCheckpoints } from './checkpoints.ts'
import type { Checkpoints } from './checkpoints.ts'
import { createChanges } from './directory-changes.ts'
import { createDeferred } from './directory-deferred.ts'
import { createPresence } from './directory-presence.ts'
import { createFailures } from './directory-failures.ts'
import { createFingerprints } from './directory-fingerprints.ts'
import { createLoad } from './directory-load.ts'
import { createRowStore } from './directory-rows.ts'
import type { RowStore } from './directory-rows.ts'
import { createSightings } from './directory-sightings.ts'
import { json, number } from '../row.ts'

// Of a first load of less than two batches a thread beside it would cost more than it brings.
const loadedBeside = 60_000
// The log of so many is worth a thread, while the report of the run is written.
const storedBeside = 5_000

/** Opens the ledger of a run; what an earlier process did not commit is gone. */
export function openLedger(db: DatabaseSync, options: LedgerOptions): Ledger {
  const { runId, dryRun } = options
  const row = db.prepare('SELECT seq, state FROM ledger WHERE run_id = ?').get(runId)
  const stored = row === undefined ? undefined : json<LedgerState>(row, 'state')
  const begin = () => db.exec('BEGIN IMMEDIATE')
  const run =
    row === undefined
      ? Number(
          db.prepare("INSERT INTO ledger (run_id, state) VALUES (?, 'null')").run(runId)
            .lastInsertRowid,
        )
      : number(row, 'seq')
  begin()
  const keepState = db.prepare('UPDATE ledger SET state = ? WHERE seq = ?')
  const fact = db.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)')
  const fingerprints = createFingerprints(db)
  const failures = createFailures(db, run, dryRun)
  const deferred = createDeferred(db, run)
  const presence = createPresence(db, run)
  const sightings = createSightings(db, run)
  const load = createLoad(db, runId)
  const now = options.now()
  const changes = createChanges(db)
  let rows: RowStore | undefined
  let beside: Checkpoints | undefined
  let waits = true
  let wrote = false
  let rowsStored = 0
  let closed = false

  const store = (): RowStore => {
    if (rows === undefined) throw new Error('The ledger has no plan yet')
    return rows
  }

  /** Whether commits from now on wait for the disk; it cannot be changed in a transaction. */
  function wait(next: boolean): void {
    if (waits !== next) db.exec(`PRAGMA synchronous = ${next ? 'FULL' : 'NORMAL'}`)
    waits = next
  }

  /** `nextWaits`: what is committed next is to be on the disk, with all before it. */
  function commit(nextWaits = true): void {
    db.exec('COMMIT')
    beside?.begin()
    wait(nextWaits)
    begin()
  }

  function mark(outcome: RowOutcome): RowOutcome {
    if (outcome === 'created' || outcome === 'updated') {
      wrote = true
      rowsStored += 1
    }
    return outcome
  }

  async function applyOne(given: ImportRow): Promise<RowOutcome> {
    const outcome = store().apply(given)
    const { password } = given.row
    if (outcome === 'created' && password !== null && !dryRun) {
      store().setPassword(given.row, await options.hashPassword(password))
    }
    if (typeof outcome === 'string') return mark(outcome)
    if (!outcome.reasons.some(({ code }) => code === 9019 || code === 9020)) return outcome
    deferred.keep({
      row: given.row,
      hash: given.hash,
      failure: given.failure(),
      passwordHash: dryRun || password === null ? null : await options.hashPassword(password),
    })
    return 'deferred'
  }

  return {
    stored: dryRun && stored?.phase !== 'done' ? undefined : (stored ?? undefined),
    lastUserId: Number(db.prepare('SELECT max(id) AS id FROM users').get()?.['id'] ?? 0),
    async fingerprints(visit) {
      fingerprints.visit(visit)
    },
    plan(plan: RowPlan) {
      rows = createRowStore({
        db,
        run,
        plan,
        now,
        change: () => changes.next,
        onFault: (error) => options.onFault?.(error),
        remember: (id, hash) => fingerprints.set(id, hash),
      })
    },
    expect(rows) {
      if (dryRun || !load.begin(rows) || rows < loadedBeside) return false
      beside = createCheckpoints(db)
      return true
    },
    rowsAtOnce: 32,
    async apply(given) {
      const outcomes: RowOutcome[] = []
      for (const one of given) {
        if (one.row.password === null) {
          const outcome = store().apply(one)
          if (typeof outcome === 'string') {
            outcomes.push(mark(outcome))
            continue
          }
        }
        outcomes.push(await applyOne(one))
      }
      return outcomes
    },
    async failedBefore(rules) {
      return failures.before(rules)
    },
    async fail(failure, hash) {
      failures.keep(failure, hash)
    },
    async failAgain(line, index) {
      failures.again(line, index)
    },
    async settle(each) {
      load.end(beside && commit)
      await deferred.settle({
        rows: store(),
        trial: fingerprints.trial,
        each: async (outcome, waiting) => each(mark(outcome), waiting),
      })
    },
    async sight(found) {
      sightings.add(found)
    },
    async judge() {
      sightings.judge()
    },
    async verdicts(line, limit) {
      return sightings.verdicts(line, limit)
    },
    async find(keys) {
      return keys.map(({ uuid, emailKey }) => presence.find(uuid, emailKey))
    },
    async holders(keys) {
      return keys.map((one) => presence.holders(one))
    },
    async keepPresence(users) {
      presence.keep(users)
    },
    async presence() {
      return presence.kept()
    },
    async absent(present) {
      return presence.absent(present)
    },
    async deactivate(present) {
      const count = presence.deactivate(present, { now, change: changes.next }, (id) =>
        store().keepImage(id),
      )
      if (count > 0) wrote = true
      return count
    },
    async commit(state) {
      // A dry run is one transaction that is rolled back in the end; after a kill it begins again.
      if (dryRun && state.phase !== 'done') return
      failures.flush()
      if (dryRun) {
        db.exec('ROLLBACK')
        begin()
        failures.release()
      } else {
        if (wrote) {
          fact.run('changed_by', runId)
          changes.keep(options.now())
        }
        fingerprints.flush()
        if (state.phase === 'done') {
          load.end()
          if (rowsStored >= storedBeside) beside ??= createCheckpoints(db)
        }
      }
      keepState.run(JSON.stringify(state), run)
      // What only the rest of the run would need; a held one is still looked at.
      if (state.phase === 'done' && state.outcome !== 'held') {
        for (const table of ['verdicts', 'deferred', 'presence']) {
          db.prepare(`DELETE FROM ${table} WHERE run = ?`).run(run)
        }
      }
      const waited = waits
      // The thread beside a first load syncs the log: a power failure takes the run back to one of its batches.
      commit(beside === undefined || state.phase !== 'applying')
      if (state.phase === 'done' && !waited) {
        // It was cancelled among them: the next commit puts this one on the disk. One that changes nothing would not.
        fact.run('cancelled_load', runId)
        commit()
      }
      wrote = false
    },
    async close() {
      if (closed) return
      closed = true
      if (db.isTransaction) db.exec('ROLLBACK')
      wait(true)
      failures.close()
      await beside?.close()
    },
  }
}
