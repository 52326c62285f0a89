import type { RowFailure } from '../../domain/importer.ts'
import { json, number } from '../row.ts'
import type { Postgres } from './connect.ts'

const atOnce = 2_000

/** Keeps the failed rows of one run; `sql` is another session for a dry run, which is rolled back as a whole. */
export function createFailures(sql: Postgres, run: number) {
  // A line may fail again in a batch that is done again: the last word counts.
  let gathered = new Map<number, RowFailure>()

  async function flush(): Promise<void> {
    const failures = [...gathered.values()]
    gathered = new Map()
    if (failures.length === 0) return
    const codes = failures.map(({ reasons }) => `;${reasons.map(({ code }) => code).join(';')};`)
    const bodies = failures.map(({ reasons, cells, raw }) =>
      JSON.stringify({ reasons, cells, raw }),
    )
    await sql`INSERT INTO failures
      SELECT ${run}, * FROM unnest(${failures.map(({ line }) => line)}::int[], ${codes}::text[],
        ${failures.map(({ raw }) => (raw === null ? 0 : 1))}::int[], ${bodies}::text[])
      ON CONFLICT (run, line) DO UPDATE SET codes = excluded.codes, raw = excluded.raw, body = excluded.body`
  }

  return {
    /** True when it is time to flush. */
    add(failure: RowFailure): boolean {
      gathered.set(failure.line, failure)
      return gathered.size >= atOnce
    },
    flush,
    /** What an earlier try has left. */
    async clear(): Promise<void> {
      await sql`DELETE FROM failures WHERE run = ${run}`
    },
  }
}

/** Failed rows of a run in file order, after the line `after`; of one whose ledger has kept nothing yet, none. */
export async function listFailures(
  sql: Postgres,
  directory: number,
  runId: string,
  { after = -1, limit, code }: { after?: number; limit: number; code?: number },
): Promise<RowFailure[]> {
  const rows = await sql`SELECT line, body FROM failures JOIN ledger ON seq = run
    WHERE directory = ${directory} AND run_id = ${runId} AND state <> 'null' AND line > ${after}
    ${code === undefined ? sql`` : sql`AND position(${`;${code};`} IN codes) > 0`}
    ORDER BY line LIMIT ${limit}`
  return rows.map((row) => ({
    line: number(row, 'line'),
    ...json<Omit<RowFailure, 'line'>>(row, 'body'),
  }))
}
