import { DatabaseSync } from 'node:sqlite'
import type { FailedBefore } from '../../domain/directory.ts'
import type { RowFailure } from '../../domain/importer.ts'
import { createFailedAgain, failedBefore, lateRuns, mostFailedBefore } from '../failed-again.ts'
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
  // A row of the earlier run that has no body of its own says whose it has.
  const copy = db.prepare(
    `INSERT OR REPLACE INTO failures (run, line, codes, body, hash, as_run, as_line)
     SELECT ?, line + ?, codes, '', hash, coalesce(as_run, run), coalesce(as_line, line)
     FROM failures WHERE run = ? AND line BETWEEN ? AND ? AND hash <> 0`,
  )
  const one = db.prepare('SELECT codes, body, hash FROM failed_rows WHERE run = ? AND line = ?')
  let earlier = 0
  const ranges = createFailedAgain((range) => {
    copy.run(run, range.moved, earlier, range.first, range.last)
  })

  return {
    keep(failure: RowFailure, hash: number): void {
      const { line, ...body } = failure
      const codes = `;${failure.reasons.map(({ code }) => code).join(';')};`
      keep({ run, line, codes, body: JSON.stringify(body), hash: failure.raw === null ? hash : 0 })
    },
    before(rules: number): FailedBefore {
      db.prepare('UPDATE ledger SET rules = ? WHERE seq = ?').run(rules, run)
      const found = db
        .prepare(
          `SELECT seq FROM (SELECT seq, state FROM ledger WHERE seq < ? AND rules = ? ORDER BY seq DESC LIMIT ${lateRuns})
           ORDER BY json_extract(state, '$.counts.failed') DESC, seq DESC LIMIT 1`,
        )
        .get(run, rules)
      if (found === undefined) return { hashes: [], codes: () => [] }
      const from = number(found, 'seq')
      const lists =
        db
          .prepare(
            `SELECT json_group_array(line) AS lines, json_group_array(hash) AS hashes, json_group_array(codes) AS codes
             FROM (SELECT line, hash, codes FROM failures WHERE run = ? AND hash <> 0 ORDER BY line LIMIT ${mostFailedBefore})`,
          )
          .get(from) ?? {}
      earlier = from
      ranges.know(json<number[]>(lists, 'lines'))
      return failedBefore(json<number[]>(lists, 'hashes'), json<string[]>(lists, 'codes'))
    },
    again(line: number, index: number): void {
      if (aside === undefined) {
        ranges.add(line, index)
        return
      }
      const row = one.get(earlier, ranges.lineOf(index))
      if (row === undefined) throw new Error('The failure that is to be kept again is gone')
      keep({
        run,
        line,
        codes: text(row, 'codes'),
        body: text(row, 'body'),
        hash: number(row, 'hash'),
      })
    },
    /** Everything is in the transaction from here on. */
    flush: ranges.end,
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
  const rows = db
    .prepare(
      `SELECT line, body FROM failed_rows WHERE run = (SELECT seq FROM ledger WHERE run_id = ?1)
       AND line > ?2 AND (?3 IS NULL OR instr(codes, ?3) > 0) ORDER BY line LIMIT ?4`,
    )
    .all(runId, after, code === undefined ? null : `;${code};`, limit)
  // As one list: a call of the reader for each costs as much as what it reads.
  const bodies = json<Omit<RowFailure, 'line'>[]>(
    { list: `[${rows.map((row) => text(row, 'body')).join(',')}]` },
    'list',
  )
  return bodies.map((body, index) => ({ line: number(rows[index] ?? {}, 'line'), ...body }))
}
