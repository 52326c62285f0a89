import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { AppError } from '../../domain/error.ts'
import { activeStates } from '../../domain/run.ts'
import type { Run } from '../../domain/run.ts'
import type { RunStore } from '../../domain/state.ts'
import { countsOf, dayOf, runOf } from '../mapping.ts'
import { text } from '../row.ts'
import type { Row } from '../row.ts'
import { inTransaction } from './open.ts'

/** Writes `run` as a new row; for use inside a transaction too. */
export function insertRun(db: DatabaseSync, run: Run): void {
  db.prepare('INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    run.id,
    run.tenantId,
    run.filename,
    run.source,
    run.state,
    run.dryRun ? 1 : 0,
    run.sha256,
    run.createdAt,
    run.finishedAt,
    run.archivedAt,
    run.version,
    JSON.stringify(run),
  )
}

// A page has 200 runs at most, and a few pages are looked at again and again.
const rememberedRuns = 1_000
// Filters come in a few shapes; each is prepared once.
const rememberedShapes = 50

/** Parsing takes most of the time of a list: a run of the same version is parsed once. */
function remembering(): (row: Row) => Run {
  const known = new Map<string, Run>()
  return (row) => {
    const id = text(row, 'id')
    const before = known.get(id)
    if (before !== undefined && before.version === row['version']) return before
    // Many get the same object from now on.
    const run: Run = Object.freeze(runOf(row))
    if (known.size >= rememberedRuns) known.clear()
    known.set(id, run)
    return run
  }
}

/** The runs of `state.db`: as shown; the worker's ledger is the truth while a run goes on. */
export function runStore(db: DatabaseSync): RunStore {
  const byId = db.prepare('SELECT * FROM runs WHERE id = ?')
  const shownById = db.prepare('SELECT id, version, body FROM runs WHERE id = ?')
  const remembered = remembering()
  const shapes = new Map<string, StatementSync>()

  function listStatement(condition: string): StatementSync {
    const known = shapes.get(condition)
    if (known !== undefined) return known
    const statement = db.prepare(
      `SELECT id, version, body FROM runs ${condition} ORDER BY id DESC LIMIT ?`,
    )
    if (shapes.size >= rememberedShapes) shapes.clear()
    shapes.set(condition, statement)
    return statement
  }

  const change = db.prepare(
    `UPDATE runs SET state = ?, sha256 = ?, finished_at = ?, archived_at = ?, version = version + 1, body = ?
     WHERE id = ?`,
  )
  const marks = activeStates.map(() => '?').join(', ')
  const active = db.prepare(
    `SELECT * FROM runs WHERE state IN (${marks}) ORDER BY id LIMIT ? OFFSET ?`,
  )
  const activeCounts = db.prepare(
    `SELECT state, count(*) AS count FROM runs WHERE state IN (${marks}) GROUP BY state`,
  )
  const unarchived = db.prepare(
    `SELECT * FROM runs WHERE archived_at IS NULL AND state NOT IN (${marks}, 'held') ORDER BY id`,
  )
  const lastImported = db.prepare(
    `SELECT * FROM runs WHERE tenant_id = ? AND dry_run = 0 AND state IN ('completed', 'completed_with_failures')
     ORDER BY finished_at DESC, id DESC LIMIT 1`,
  )
  const perDay = db.prepare(
    `SELECT date(created_at / 1000, 'unixepoch') AS day, count(*) AS runs,
       sum(json_extract(body, '$.counts.rows')) AS row_count, sum(json_extract(body, '$.counts.failed')) AS failed
     FROM runs WHERE tenant_id = ? AND created_at >= ? AND dry_run = 0 GROUP BY day ORDER BY day`,
  )

  function store(id: string, changes: Parameters<RunStore['update']>[1]): Run {
    return inTransaction(db, () => {
      const row = byId.get(id)
      if (row === undefined) {
        throw new AppError(
          'not_found',
          `Cannot change the import "${id}": there is none of this id`,
        )
      }
      const current = runOf(row)
      const run: Run = { ...current, ...changes, version: current.version + 1 }
      change.run(run.state, run.sha256, run.finishedAt, run.archivedAt, JSON.stringify(run), id)
      return run
    })
  }

  return {
    async create(run) {
      insertRun(db, run)
    },
    async get(id) {
      const row = shownById.get(id)
      return row && remembered(row)
    },
    async list(filter) {
      const where: string[] = []
      const values: SQLInputValue[] = []
      const add = (condition: string, ...given: SQLInputValue[]) => {
        where.push(condition)
        values.push(...given)
      }
      if (filter.tenantId !== undefined) add('tenant_id = ?', filter.tenantId)
      if (filter.states !== undefined) {
        add(`state IN (${filter.states.map(() => '?').join(', ')})`, ...filter.states)
      }
      if (filter.source !== undefined) add('source = ?', filter.source)
      if (filter.filename !== undefined)
        add('instr(lower(filename), lower(?)) > 0', filter.filename)
      if (filter.since !== undefined) add('created_at >= ?', filter.since)
      if (filter.until !== undefined) add('created_at < ?', filter.until)
      if (filter.before !== undefined) add('id < ?', filter.before)
      const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`
      return listStatement(condition)
        .all(...values, filter.limit)
        .map(remembered)
    },
    async update(id, changes) {
      return store(id, changes)
    },
    async progress(id, changes) {
      // Five fsyncs a second are more than a hundredth of an import, and the main thread waits for each.
      db.exec('PRAGMA synchronous = NORMAL')
      try {
        return store(id, changes)
      } finally {
        db.exec('PRAGMA synchronous = FULL')
      }
    },
    async active({ skip, limit } = { skip: 0, limit: -1 }) {
      return active.all(...activeStates, limit, skip).map(runOf)
    },
    async activeCounts() {
      return countsOf(activeCounts.all(...activeStates))
    },
    async unarchived() {
      return unarchived.all(...activeStates).map(runOf)
    },
    async lastImported(tenantId) {
      const row = lastImported.get(tenantId)
      return row && runOf(row)
    },
    async perDay(tenantId, since) {
      return perDay.all(tenantId, since).map(dayOf)
    },
  }
}
