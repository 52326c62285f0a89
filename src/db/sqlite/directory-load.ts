import type { DatabaseSync } from 'node:sqlite'
import { json, text } from '../row.ts'
import { isTaken } from './taken.ts'

// Of fewer rows the indexes cost less than to take them away and make them again.
const leastRows = 20_000
// An index is sorted in pieces as large as the page cache: those of 2 MB stay in the processor's, which takes two thirds
// of the time of 64 MB. Of many users a second thread sorts one while the next is gathered (docs/performance.md).
const sortingCache = -2000
// Rows without indexes are only added at the end: more pages in memory would bring nothing.
const loadingCache = -4000
const manyUsers = 500_000

/** What is kept while a load goes on: whose it is, and the indexes to be made in the end. */
interface Loading {
  runId: string
  indexes: string[]
}

function loadingOf(db: DatabaseSync): Loading | undefined {
  const row = db.prepare("SELECT value FROM facts WHERE name = 'loading'").get()
  return row === undefined ? undefined : json<Loading>(row, 'value')
}

/** `made`: called after each index; those that are still missing then are in `facts`. */
function makeIndexes(db: DatabaseSync, { runId, indexes }: Loading, made?: () => void): void {
  const keep = db.prepare("UPDATE facts SET value = ? WHERE name = 'loading'")
  const cache = Number(db.prepare('PRAGMA cache_size').get()?.['cache_size'])
  const users = Number(db.prepare('SELECT max(id) AS id FROM users').get()?.['id'] ?? 0)
  db.exec(`PRAGMA cache_size = ${sortingCache}; PRAGMA threads = ${users > manyUsers ? 2 : 0}`)
  try {
    // By statements: under Deno the errors of exec have no errcode to tell a key in common by.
    for (const [index, sql] of indexes.entries()) {
      db.prepare(sql).run()
      if (made === undefined) continue
      keep.run(JSON.stringify({ runId, indexes: indexes.slice(index + 1) }))
      made()
    }
  } finally {
    // In a load that of the load: the rest of the run reads its failures once, in their order.
    db.exec(`PRAGMA cache_size = ${cache}; PRAGMA threads = 0`)
  }
  db.exec("DELETE FROM facts WHERE name = 'loading'")
}

/**
 * The first load of a directory: rows are stored without indexes, which are made when all of them are there. It
 * takes two thirds of the time (docs/performance.md), and needs rows of which no two have a key in common.
 *
 * Everything is part of the batches' transactions: after a kill the run finds its load as the last batch left it.
 */
export function createLoad(db: DatabaseSync, runId: string) {
  endLoadOfOthers(db, runId)
  return {
    /** False: rows are stored with the indexes in place. */
    begin(rows: number): boolean {
      if (rows < leastRows || loadingOf(db) !== undefined) return false
      if (db.prepare('SELECT 1 FROM users LIMIT 1').get() !== undefined) return false
      const found = db
        .prepare(
          `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users' AND sql IS NOT NULL
           AND name <> 'users_inactive'`,
        )
        .all()
      for (const row of found) db.exec(`DROP INDEX ${text(row, 'name')}`)
      const loading: Loading = { runId, indexes: found.map((row) => text(row, 'sql')) }
      db.prepare("INSERT INTO facts VALUES ('loading', ?)").run(JSON.stringify(loading))
      db.exec(`PRAGMA cache_size = ${loadingCache}`)
      return true
    },
    /** `made`: called after each index; it may commit, when everything before it has been. */
    end(made?: () => void): void {
      const loading = loadingOf(db)
      if (loading !== undefined) makeIndexes(db, loading, made)
    },
  }
}

/**
 * Ends what a run has left that did not come to its end. Should two of its rows have a key in common, against
 * what it was told, they are all taken back: nobody was told that they are there.
 */
export function endLoadOfOthers(db: DatabaseSync, runId: string | null): void {
  const loading = loadingOf(db)
  if (loading === undefined || loading.runId === runId) return
  db.exec('SAVEPOINT load')
  try {
    makeIndexes(db, loading)
  } catch (error) {
    if (!isTaken(error)) throw error
    db.exec('ROLLBACK TO load')
    db.prepare(
      'DELETE FROM users WHERE created_run = (SELECT seq FROM ledger WHERE run_id = ?)',
    ).run(loading.runId)
    makeIndexes(db, loading)
  }
  db.exec('RELEASE load')
}
