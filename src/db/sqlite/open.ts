import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Opens a SQLite file (or `:memory:`), made and migrated when needed, with durable commits.
 *
 * `migrations` is the folder below `src/db/migrations/`; its files run in the order of their numbers,
 * each in a transaction of its own, and `user_version` says how many have run. `pageBytes` is for a new file.
 * Throws when the file was written by a newer version of the program.
 */
export function openSqlite(file: string, migrations: string, pageBytes = 4096): DatabaseSync {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(file, { timeout: 10_000 })
  // Of a file that is there it has its own.
  db.exec(`PRAGMA page_size = ${pageBytes}`)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  migrate(db, join(import.meta.dirname, '..', 'migrations', migrations))
  return db
}

function migrate(db: DatabaseSync, folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const done = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (done > files.length) {
    throw new Error(
      `Cannot open the database: it was written by a newer version (${done} migrations), this one knows ${files.length}`,
    )
  }
  for (const [index, name] of files.entries()) {
    if (index < done) continue
    inTransaction(db, () => {
      db.exec(readFileSync(join(folder, name), 'utf8'))
      db.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

/** Runs `work` in one write transaction: all of it, or, when it throws, nothing. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
