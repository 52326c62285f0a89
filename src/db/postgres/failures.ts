import type { RowFailure } from '../../domain/importer.ts'
import { json } from '../row.ts'
import { copyIn, copyValue } from './bulk.ts'
import type { Postgres } from './connect.ts'

const atOnce = 5_000

/**
 * Keeps the failed rows of one run; `aside`: `sql` is a session beside a dry run, which is rolled back as a whole.
 */
export function createFailures(sql: Postgres, run: number, aside: boolean) {
  // A line may fail again in a batch that is done again: the last word counts.
  let gathered = new Map<number, RowFailure>()

  async function flush(): Promise<void> {
    const failures = [...gathered.values()]
    gathered = new Map()
    if (failures.length === 0) return
    const lines = failures.map(({ line, reasons, cells, raw }) => {
      const codes = reasons.map(({ code }) => code).join(';')
      const body = copyValue(JSON.stringify({ reasons, cells, raw }))
      return `${run}\t${line}\t;${codes};\t${raw === null ? 0 : 1}\t${body}\n`
    })
    if (aside) await sql`BEGIN`
    if (!(await copyIn(sql, 'COPY failures FROM STDIN', lines.join('')))) {
      const numbers = failures.map(({ line }) => line)
      await sql`DELETE FROM failures WHERE run = ${run} AND line = ANY(${numbers}::int[])`
      if (!(await copyIn(sql, 'COPY failures FROM STDIN', lines.join('')))) {
        throw new Error('Failed rows could not be kept')
      }
    }
    if (aside) await sql`COMMIT`
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
  // As one text: a message and a parse for each row take longer than all else of a report.
  const [row] = await sql`SELECT '[' || coalesce(string_agg(failure, ','), '') || ']' AS page FROM (
    SELECT '{"line":' || line || ',' || substr(body, 2) AS failure FROM failures JOIN ledger ON seq = run
    WHERE directory = ${directory} AND run_id = ${runId} AND state <> 'null' AND line > ${after}
    ${code === undefined ? sql`` : sql`AND position(${`;${code};`} IN codes) > 0`}
    ORDER BY line LIMIT ${limit}) AS found`
  return row === undefined ? [] : json<RowFailure[]>(row, 'page')
}
