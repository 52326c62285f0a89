import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSession } from './connect.ts'

const folder = join(import.meta.dirname, '..', 'migrations', 'postgres')

/**
 * Brings the database up to date, one process at a time; the others wait for it.
 *
 * Throws when it was written by a newer version of the program.
 */
export async function migrate(url: string): Promise<void> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const session = await openSession(url, { name: 'migration' })
  const { sql } = session
  try {
    await sql`SELECT pg_advisory_lock(hashtextextended('rosterdrop migrations', 0))`
    await sql`CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL)`
    const [row] = await sql<{ done: number }[]>`SELECT count(*)::int AS done FROM migrations`
    const done = row?.done ?? 0
    if (done > files.length) {
      throw new Error(
        `Cannot open the database: it was written by a newer version (${done} migrations), this one knows ${files.length}`,
      )
    }
    for (const [index, name] of files.entries()) {
      if (index < done) continue
      // One message of several statements is one transaction; the name is one of our files.
      await sql.unsafe(
        `BEGIN; ${readFileSync(join(folder, name), 'utf8')}; INSERT INTO migrations VALUES (${index + 1}, '${name}'); COMMIT`,
      )
    }
  } finally {
    await session.end()
  }
}
