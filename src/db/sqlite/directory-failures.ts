import { DatabaseSync } from 'node:sqlite'
import type { FailedBefore } from '../../domain/directory.ts'
import type { RowFailure } from '../../domain/importer.ts'
import { json, number, text } from '../row.ts'

const page = 1000

interface Kept {
  run: number
  line: number
  codes: string
  body: string
  hash: number
}

function put(db: DatabaseSync): (kept: Kept) => void {
  const insert = db.prepare(
    'INSERT OR REPLACE INTO failures (run, line, codes, body, hash) VALUES (?, ?, ?, ?, ?)',
  )
  return ({ run, line, codes, body, hash }) => void insert.run(run, line, codes, body, hash)
}

// Runs between two of the same kind: a corrected report dropped, a file of one department.
const lateRuns = 8
// 16 bytes each in the sieve; of a file in which more fail the others are checked again.
const mostFailedBefore = 2 ** 18

/** Keeps the failed rows of one run. */
export function createFailures(db: DatabaseSync, run: number, dryRun: boolean) {
  const keepHere = put(db)
  // A dry run is rolled back as a whole: what it finds waits in a temporary file of its own.
  const aside = dryRun ? new DatabaseSync(':memory:') : undefined
  aside?.exec(
    `CREATE TEMP TABLE failures (run INTEGER, line INTEGER PRIMARY KEY, codes TEXT, body TEXT, hash INTEGER);
     BEGIN`,
  )
  const keep = aside === undefined ? keepHere : put(aside)
  const copy = db.prepare(
    `INSERT OR REPLACE INTO failures (run, line, codes, body, hash)
     SELECT ?, ?, codes, body, hash FROM failures WHERE run = ? AND line = ?`,
  )
  const one = db.prepare('SELECT codes, body, hash FROM failures WHERE run = ? AND line = ?')
  let earlier = { run: 0, lines: new Uint32Array(0) }

  return {
    keep(failure: RowFailure, hash: number): void {
      const { line, ...body } = failure
      const codes = `;${failure.reasons.map(({ code }) => code).join(';')};`
      keep({ run, line, codes, body: JSON.stringify(body), hash })
    },
    before(rules: number): FailedBefore {
      db.prepare('UPDATE ledger SET rules = ? WHERE seq = ?').run(rules, run)
      const found = db
        .prepare(
          `SELECT seq FROM (SELECT seq, state FROM ledger WHERE seq < ? AND rules = ? ORDER BY seq DESC LIMIT ${lateRuns})
           ORDER BY json_extract(state, '$.counts.failed') DESC, seq DESC LIMIT 1`,
        )
        .get(run, rules)
      const from = found === undefined ? 0 : number(found, 'seq')
      const rows = db
        .prepare(
          `SELECT line, hash, codes FROM failures WHERE run = ? AND hash <> 0 ORDER BY line LIMIT ${mostFailedBefore}`,
        )
        .all(from)
      earlier = { run: from, lines: Uint32Array.from(rows, (row) => number(row, 'line')) }
      const lists = new Map<string, readonly number[]>()
      const codes = rows.map((row) => {
        const list = text(row, 'codes')
        const known = lists.get(list) ?? list.slice(1, -1).split(';').map(Number)
        lists.set(list, known)
        return known
      })
      return {
        hashes: rows.map((row) => number(row, 'hash')),
        codes: (index) => codes[index - 1] ?? [],
      }
    },
    again(line: number, index: number): void {
      const from = earlier.lines[index - 1] ?? 0
      if (aside === undefined) return void copy.run(run, line, earlier.run, from)
      const row = one.get(earlier.run, from)
      if (row === undefined) throw new Error('The failure that is to be kept again is gone')
      keep({ run, line, codes: text(row, 'codes'), body: text(row, 'body'), hash: number(row, 'hash') })
    },
    /** Brings over what waits aside. */
    release(): void {
      const next = aside?.prepare('SELECT * FROM failures WHERE line > ? ORDER BY line LIMIT ?')
      if (next === undefined) return
      let last = -1
      for (let rows = next.all(last, page); rows.length > 0; rows = next.all(last, page)) {
        for (const row of rows) {
          last = number(row, 'line')
          keepHere({
            run,
            line: last,
            codes: text(row, 'codes'),
            body: text(row, 'body'),
            hash: number(row, 'hash'),
          })
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
