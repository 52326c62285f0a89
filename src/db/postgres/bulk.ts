import type { Postgres } from './connect.ts'

const special = /[\\\n\r\t]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A value in the text format of COPY; null and undefined are NULL. */
export function copyValue(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '\\N'
  if (typeof value === 'number') return String(value)
  return special.test(value)
    ? value.replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character)
    : value
}

/**
 * COPY of `lines` inside the transaction of `sql`, a session; false when a row was refused, and nothing of it is
 * there then.
 *
 * The client does not tell of what goes wrong after the last byte, so the savepoint is what tells: it cannot be
 * released after an error.
 */
export async function copyIn(sql: Postgres, statement: string, lines: string): Promise<boolean> {
  await sql`SAVEPOINT bulk`
  const stream = await sql.unsafe(statement).writable()
  stream.on('error', () => undefined)
  await new Promise((done) => stream.write(lines, done))
  stream.end()
  // The end is sent in a turn of its own; no statement may come before.
  await new Promise((done) => setImmediate(done))
  try {
    await sql`RELEASE SAVEPOINT bulk`
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // In a transaction that has failed: by the COPY.
    if (code !== '25P02') throw error
    await sql`ROLLBACK TO SAVEPOINT bulk`
    await sql`RELEASE SAVEPOINT bulk`
    return false
  }
}
