import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import type { NumberedUser } from '../../domain/user-reader.ts'
import { hasFirst, mostLookedAt, mostRead, nameRanges } from '../name-key.ts'
import { userOf } from '../user-row.ts'
import { inTransaction } from './open.ts'

const keyOf = "lower(trim(coalesce(lastName, '') || ' ' || coalesce(firstName, '')))"
// A million names are sorted in pieces of this size, so that the memory of the process does not grow for them.
const sortingCache = -8000
// Whoever waits for SQLite's lock looks for it every 100 ms.
const pauseMs = 120

/**
 * Enters the names of users that have changed since it was last called: the commits of so many users in a transaction,
 * and a pause between two, in which a run of the same client gets in.
 */
export async function enterNames(db: DatabaseSync, usersAtOnce = 250_000): Promise<void> {
  db.exec(`PRAGMA cache_size = ${sortingCache}`)
  // A commit is entered as a whole: a page goes to the end of the last one that it has a part of.
  const ends = db.prepare(
    `SELECT max(change) AS last FROM (SELECT change FROM users WHERE change > ? AND change <= ? ORDER BY change LIMIT ${usersAtOnce})`,
  )
  const enter = db.prepare(
    `INSERT OR IGNORE INTO names SELECT ${keyOf} AS key, id FROM users
     WHERE change > ? AND change <= ? AND key <> '' ORDER BY key, id`,
  )
  const keep = db.prepare("INSERT OR REPLACE INTO facts VALUES ('named', ?)")
  let named = Number(
    db.prepare("SELECT value FROM facts WHERE name = 'named'").get()?.['value'] ?? 0,
  )
  // What a run commits meanwhile is entered behind that run.
  const newest = Number(
    db.prepare('SELECT max(change) AS change FROM users').get()?.['change'] ?? 0,
  )
  for (let isFirst = true; named < newest; isFirst = false) {
    const last = Number(ends.get(named, newest)?.['last'] ?? newest)
    if (!isFirst) await pause(pauseMs)
    inTransaction(db, () => {
      enter.run(named, last)
      keep.run(String(last))
    })
    named = last
  }
}

/** Finds users by their names, as far as these are entered. */
export function createNameSearch(db: DatabaseSync) {
  let statements: { entries: StatementSync; user: StatementSync } | undefined

  /** A directory of an earlier version has no names until its next import. */
  function prepared() {
    if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'names'").get() === undefined) {
      return undefined
    }
    return {
      entries: db.prepare(
        'SELECT key, id FROM names WHERE key >= ? AND key < ? ORDER BY key, id LIMIT ?',
      ),
      user: db.prepare(
        `SELECT * FROM users WHERE id = ?1 AND ${keyOf} = ?2 AND (?3 IS NULL OR active = ?3)`,
      ),
    }
  }

  return (
    text: string,
    { status, limit }: { status: number | null; limit: number },
  ): NumberedUser[] => {
    statements ??= prepared()
    if (statements === undefined) return []
    const { entries, user } = statements
    const found: NumberedUser[] = []
    for (const range of nameRanges(text)) {
      const named = entries
        .all(range.from, range.to, range.first === undefined ? mostRead : mostLookedAt)
        .filter((row) => hasFirst(range, String(row['key'])))
        .slice(0, mostRead)
      for (const { id = null, key = null } of named) {
        const row = user.get(id, key, status)
        if (row !== undefined) found.push(userOf(row))
        if (found.length >= limit) return found
      }
    }
    return found
  }
}
