import type { FailedBefore } from '../../domain/directory.ts'
import type { RowFailure } from '../../domain/importer.ts'
import { createFailedAgain, failedBefore, lateRuns, mostFailedBefore } from '../failed-again.ts'
import type { FailedAgain } from '../failed-again.ts'
import { json, number, text } from '../row.ts'
import { copyIn, copyValue } from './bulk.ts'
import type { Postgres } from './connect.ts'

const atOnce = 5_000
const copy = 'COPY failures (run, line, codes, raw, body, hash) FROM STDIN'

interface Kept {
  failure: RowFailure
  hash: number
}

export interface FailuresOptions {
  /** The session whose transaction the run is stored in. */
  sql: Postgres
  directory: number
  run: number
  /** A session beside a dry run, which is rolled back as a whole. */
  aside: Postgres | undefined
}

/** Keeps the failed rows of one run. */
export function createFailures({ sql, directory, run, aside }: FailuresOptions) {
  const to = aside ?? sql
  // A line may fail again in a batch that is done again: the last word counts.
  let gathered = new Map<number, Kept>()
  let earlier = 0
  let again: FailedAgain[] = []
  const ranges = createFailedAgain((range) => again.push(range))

  async function keepNew(kept: readonly Kept[]): Promise<void> {
    if (kept.length === 0) return
    const lines = kept
      .map(({ failure: { line, reasons, cells, raw }, hash }) => {
        const codes = reasons.map(({ code }) => code).join(';')
        const body = copyValue(JSON.stringify({ reasons, cells, raw }))
        const own = raw === null ? `0\t${body}\t${hash}` : `1\t${body}\t0`
        return `${run}\t${line}\t;${codes};\t${own}\n`
      })
      .join('')
    if (await copyIn(to, copy, lines)) return
    const numbers = kept.map(({ failure }) => failure.line)
    await to`DELETE FROM failures WHERE run = ${run} AND line = ANY(${numbers}::int[])`
    if (!(await copyIn(to, copy, lines))) throw new Error('Failed rows could not be kept')
  }

  /** A row of the earlier run that has no body of its own says whose it has. */
  async function keepAgain(kept: readonly FailedAgain[]): Promise<void> {
    if (kept.length === 0) return
    // OFFSET 0: the rows of each range are looked up by themselves.
    await to`INSERT INTO failures (run, line, codes, raw, body, hash, as_run, as_line)
      SELECT ${run}, e.line + r.moved, e.codes, 0, '', e.hash, coalesce(e.as_run, e.run), coalesce(e.as_line, e.line)
      FROM unnest(${kept.map((range) => range.first)}::int[], ${kept.map((range) => range.last)}::int[],
        ${kept.map((range) => range.moved)}::int[]) AS r(first, last, moved)
      CROSS JOIN LATERAL (SELECT * FROM failures
        WHERE run = ${earlier} AND line BETWEEN r.first AND r.last AND hash <> 0 OFFSET 0) AS e`
  }

  return {
    /** True when it is time to flush. */
    add(failure: RowFailure, hash: number): boolean {
      gathered.set(failure.line, { failure, hash })
      return gathered.size >= atOnce
    },
    async before(rules: number): Promise<FailedBefore> {
      await sql`UPDATE ledger SET rules = ${rules} WHERE seq = ${run}`
      const found = await sql`SELECT seq, state FROM ledger
        WHERE directory = ${directory} AND seq < ${run} AND rules = ${rules} ORDER BY seq DESC LIMIT ${lateRuns}`
      const failed = (row: (typeof found)[number]): number =>
        json<{ counts: { failed: number } } | null>(row, 'state')?.counts.failed ?? 0
      const from = found.toSorted((a, b) => failed(b) - failed(a))[0]
      if (from === undefined) return { hashes: [], codes: () => [] }
      // As text, in three lists: a message for each row takes ten times as long.
      const [lists = {}] = await sql`SELECT
        '[' || coalesce(string_agg(line::text, ','), '') || ']' AS lines,
        '[' || coalesce(string_agg(hash::text, ','), '') || ']' AS hashes,
        coalesce(string_agg(codes, ','), '') AS codes
        FROM (SELECT line, hash, codes FROM failures
          WHERE run = ${number(from, 'seq')} AND hash <> 0 ORDER BY line LIMIT ${mostFailedBefore}) AS own`
      earlier = number(from, 'seq')
      ranges.know(json<number[]>(lists, 'lines'))
      return failedBefore(json<number[]>(lists, 'hashes'), text(lists, 'codes').split(','))
    },
    /** The same for a record that failed before. */
    addAgain(line: number, index: number): boolean {
      ranges.add(line, index)
      return again.length >= atOnce
    },
    async flush(): Promise<void> {
      ranges.end()
      const [kept, keptAgain] = [[...gathered.values()], again]
      gathered = new Map()
      again = []
      if (kept.length === 0 && keptAgain.length === 0) return
      if (aside !== undefined) await to`BEGIN`
      await keepNew(kept)
      await keepAgain(keptAgain)
      if (aside !== undefined) await to`COMMIT`
    },
    /** What an earlier try has left. */
    async clear(): Promise<void> {
      await to`DELETE FROM failures WHERE run = ${run}`
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
  // A page as one text takes the server three times as long.
  const rows = await sql`SELECT line, body FROM failed_rows
    WHERE run = ${numberOfRun(sql, directory, runId)} AND line > ${after}
    ${code === undefined ? sql`` : sql`AND position(${`;${code};`} IN codes) > 0`}
    ORDER BY line LIMIT ${limit}`.values()
  // As one list: a call of the reader for each costs as much as what it reads.
  const list = `[${rows.map(([, body]) => String(body)).join(',')}]`
  const bodies = json<Omit<RowFailure, 'line'>[]>({ list }, 'list')
  return bodies.map((body, index) => ({ line: Number(rows[index]?.[0]), ...body }))
}

/** True when a row of the run could not be split. */
export async function hasRawFailures(
  sql: Postgres,
  directory: number,
  runId: string,
): Promise<boolean> {
  const rows = await sql`SELECT 1 FROM failures
    WHERE run = ${numberOfRun(sql, directory, runId)} AND raw = 1 LIMIT 1`
  return rows.length > 0
}

// Not by a join: of a run that has just ended the planner knows nothing, and would read the failures of all.
const numberOfRun = (sql: Postgres, directory: number, runId: string) =>
  sql`(SELECT seq FROM ledger WHERE directory = ${directory} AND run_id = ${runId} AND state <> 'null')`
