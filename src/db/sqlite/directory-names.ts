import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { NumberedUser } from '../../domain/user-reader.ts'
import { hasFirst, mostLookedAt, mostRead, nameRanges } from '../name-key.ts'
import { userOf } from '../user-row.ts'
import { inTransaction } from './open.ts'

const keyOf = "lower(trim(coalesce(lastName, '') || ' ' || coalesce(firstName, '')))"
// A million names are sorted in pieces of this size, so that the memory of the process does not grow for them.
const sortingCache = -8000

/** Enters the names of users that have changed since it was last called. */
export function enterNames(db: DatabaseSync): void {
  const fact = db.prepare("SELECT value FROM facts WHERE name = 'named'").get()
  const named = Number(fact?.['value'] ?? 0)
  const last = Number(db.prepare('SELECT max(change) AS change FROM users').get()?.['change'] ?? 0)
  if (last <= named) return
  db.exec(`PRAGMA cache_size = ${sortingCache}`)
  inTransaction(db, () => {
    db.prepare(
      `INSERT OR IGNORE INTO names SELECT ${keyOf} AS key, id FROM users
       WHERE change > ? AND key <> '' ORDER BY key, id`,
    ).run(named)
    db.prepare("INSERT OR REPLACE INTO facts VALUES ('named', ?)").run(String(last))
  })
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
