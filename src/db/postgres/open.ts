import type { Database, Directories } from '../opened.ts'
import { text } from '../row.ts'
import { openPool } from './connect.ts'
import { openDirectory, openDirectoryReader } from './directory.ts'
import { openState } from './state.ts'

// Every statement is short: more would only queue up in the server.
const mainConnections = 10
// What a worker reads beside its session: shapes of identifiers, failed rows for the report.
const workerConnections = 2

/** A database that any number of processes share. */
export async function openPostgres(url: string): Promise<Database> {
  const { state, sql } = await openState(url, mainConnections)
  return {
    state,
    readDirectory: (tenantId) => openDirectoryReader({ url, sql, tenantId }),
    copyDirectory: undefined,
    async secret(name, make) {
      await sql`INSERT INTO secrets VALUES (${name}, ${make()}) ON CONFLICT DO NOTHING`
      const [row] = await sql`SELECT value FROM secrets WHERE name = ${name}`
      if (row === undefined) throw new Error('The secret is gone')
      return text(row, 'value')
    },
    close: () => state.close(),
  }
}

/** The directories of that database, to write to. */
export async function openDirectories(url: string): Promise<Directories> {
  const sql = await openPool(url, workerConnections)
  // A worker starts before its file has settled: it is connected by then. Who needs the server meets its failure.
  for (let n = 0; n < workerConnections; n += 1) sql`SELECT 1`.catch(() => undefined)
  return {
    open: (tenantId) => openDirectory({ url, sql, tenantId }),
    close: () => sql.end({ timeout: 5 }),
  }
}
