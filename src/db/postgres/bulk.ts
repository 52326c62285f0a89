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

/** A COPY under way: nothing else can be asked of the session until it has ended. */
export interface OpenCopy {
  /** Sends lines; resolves when those before them are on their way. */
  write(lines: string): Promise<void>
  /** False when a row was refused, and nothing of it is there then. */
  end(): Promise<boolean>
  /** Gives it up, and the transaction with it. */
  cut(): void
}

/**
 * Begins a COPY inside the transaction of `sql`, a session.
 *
 * The client does not tell of what goes wrong after the last byte, so the savepoint is what tells: it cannot be
 * released after an error.
 */
export async function openCopy(sql: Postgres, statement: string): Promise<OpenCopy> {
  // Both are sent at once: each answer may wait until the caller, who reads a file, looks up.
  const savepoint = sql`SAVEPOINT bulk`.execute()
  const [stream] = await Promise.all([sql.unsafe(statement).writable(), savepoint])
  stream.on('error', () => undefined)
  let written: Promise<unknown> = Promise.resolve()
  return {
    async write(lines) {
      await written
      written = new Promise((done) => stream.write(lines, done))
    },
    cut: () => void stream.destroy(),
    async end() {
      await written
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
    },
  }
}

/** COPY of `lines` alone; false when a row was refused, and nothing of it is there then. */
export async function copyIn(sql: Postgres, statement: string, lines: string): Promise<boolean> {
  const copy = await openCopy(sql, statement)
  await copy.write(lines)
  return copy.end()
}
