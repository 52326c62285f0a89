import { DatabaseSync } from 'node:sqlite'
import type { RowFailure } from '../../domain/importer.ts'
import { json, number, text } from '../row.ts'

const page = 1000

function put(db: DatabaseSync): (run: number, line: number, codes: string, body: string) => void {
  const insert = db.prepare('INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)')
  return (run, line, codes, body) => void insert.run(run, line, codes, body)
}

/** Keeps the failed rows of one run. */
export function createFailures(db: DatabaseSync, run: number, dryRun: boolean) {
  const keepHere = put(db)
  // A dry run is rolled back as a whole: what it finds waits in a temporary file of its own.
  const aside = dryRun ? new DatabaseSync(':memory:') : undefined
  aside?.exec(
    'CREATE TEMP TABLE failures (run INTEGER, line INTEGER PRIMARY KEY, codes TEXT, body TEXT); BEGIN',
  )
  const keep = aside === undefined ? keepHere : put(aside)

  return {
    keep(failure: RowFailure): void {
      const { line, ...body } = failure
      const codes = `;${failure.reasons.map(({ code }) => code).join(';')};`
      keep(run, line, codes, JSON.stringify(body))
    },
    /** Brings over what waits aside. */
    release(): void {
      const next = aside?.prepare('SELECT * FROM failures WHERE line > ? ORDER BY line LIMIT ?')
      if (next === undefined) return
      let last = -1
      for (let rows = next.all(last, page); rows.length > 0; rows = next.all(last, page)) {
        for (const row of rows) {
          last = number(row, 'line')
          keepHere(run, last, text(row, 'codes'), text(row, 'body'))
        }
      }
    },
    close(): void {
      if (aside?.isOpen === true) aside.close()
    },
  }
}

/** Failed rows in file order, after the line `after`. */
export function listFailures(
  db: DatabaseSync,
  runId: string,
  { after = -1, limit, code }: { after?: number; limit: number; code?: number },
): RowFailure[] {
  return db
    .prepare(
      `SELECT line, body FROM failures JOIN ledger ON seq = run
       WHERE run_id = ?1 AND line > ?2 AND (?3 IS NULL OR instr(codes, ?3) > 0) ORDER BY line LIMIT ?4`,
    )
    .all(runId, after, code === undefined ? null : `;${code};`, limit)
    .map((row) => ({ line: number(row, 'line'), ...json<Omit<RowFailure, 'line'>>(row, 'body') }))
}
