import { AppError } from '../../domain/error.ts'
import { activeStates } from '../../domain/run.ts'
import type { Run } from '../../domain/run.ts'
import type { RunStore } from '../../domain/state.ts'
import { countsOf, dayOf, runOf } from '../mapping.ts'
import type { Postgres } from './connect.ts'

// Two processes may change a run at the same time; more often than this they do not.
const maxTries = 50

/** What of a run has a column of its own because it is looked up, filtered or added up; and all of it. */
export function runColumns(run: Run) {
  return {
    id: run.id,
    tenant_id: run.tenantId,
    filename: run.filename,
    source: run.source,
    state: run.state,
    dry_run: run.dryRun ? 1 : 0,
    sha256: run.sha256,
    created_at: run.createdAt,
    finished_at: run.finishedAt,
    archived_at: run.archivedAt,
    version: run.version,
    row_count: run.counts.rows,
    failed: run.counts.failed,
    body: JSON.stringify(run),
  }
}

/** The runs, as shown; the ledger in the directory is the truth while a run goes on. */
export function runStore(sql: Postgres): RunStore {
  async function find(id: string): Promise<Run | undefined> {
    const [row] = await sql`SELECT * FROM runs WHERE id = ${id}`
    return row && runOf(row)
  }

  const runs: RunStore = {
    async create(run) {
      await sql`INSERT INTO runs ${sql(runColumns(run))}`
    },
    get: find,
    async list(filter) {
      const { tenantId, states, source, filename, since, until, before, limit } = filter
      const rows = await sql`SELECT * FROM runs WHERE true
        ${tenantId === undefined ? sql`` : sql`AND tenant_id = ${tenantId}`}
        ${states === undefined ? sql`` : sql`AND state = ANY(${[...states]})`}
        ${source === undefined ? sql`` : sql`AND source = ${source}`}
        ${filename === undefined ? sql`` : sql`AND position(lower(${filename}::text COLLATE "C") IN lower(filename)) > 0`}
        ${since === undefined ? sql`` : sql`AND created_at >= ${since}`}
        ${until === undefined ? sql`` : sql`AND created_at < ${until}`}
        ${before === undefined ? sql`` : sql`AND id < ${before}`}
        ORDER BY id DESC LIMIT ${limit}`
      return rows.map(runOf)
    },
    async update(id, changes) {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const current = await find(id)
        if (current === undefined) {
          throw new AppError(
            'not_found',
            `Cannot change the import "${id}": there is none of this id`,
          )
        }
        const run: Run = { ...current, ...changes, version: current.version + 1 }
        const { count } = await sql`UPDATE runs SET ${sql(runColumns(run))}
          WHERE id = ${id} AND version = ${current.version}`
        if (count === 1) return run
      }
      throw new Error(`The import ${id} changes too often to be changed`)
    },
    // Its commit does not keep the main thread waiting.
    progress: (id, changes) => runs.update(id, changes),
    async active({ skip, limit } = { skip: 0, limit: 2 ** 31 - 1 }) {
      // As the condition of the index runs_active says it.
      const states = activeStates.map((state) => `'${state}'`).join(', ')
      const rows = await sql`SELECT * FROM runs WHERE state IN (${sql.unsafe(states)})
        ORDER BY seq OFFSET ${skip} LIMIT ${limit}`
      return rows.map(runOf)
    },
    async activeCounts() {
      const rows = await sql`SELECT state, count(*) FROM runs
        WHERE state = ANY(${[...activeStates]}) GROUP BY state`
      return countsOf(rows)
    },
    async unarchived() {
      const rows = await sql`SELECT * FROM runs
        WHERE archived_at IS NULL AND state <> ALL(${[...activeStates, 'held']}) ORDER BY id`
      return rows.map(runOf)
    },
    async lastImported(tenantId) {
      const [row] = await sql`SELECT * FROM runs
        WHERE tenant_id = ${tenantId} AND dry_run = 0 AND state IN ('completed', 'completed_with_failures')
        ORDER BY finished_at DESC NULLS LAST, id DESC LIMIT 1`
      return row && runOf(row)
    },
    async perDay(tenantId, since) {
      const rows =
        await sql`SELECT to_char(to_timestamp(created_at / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
          count(*) AS runs, sum(row_count)::bigint AS row_count, sum(failed)::bigint AS failed
        FROM runs WHERE tenant_id = ${tenantId} AND created_at >= ${since} AND dry_run = 0 GROUP BY day ORDER BY day`
      return rows.map(dayOf)
    },
  }
  return runs
}
