import { number, text } from '../row.ts'
import { openCopy } from './bulk.ts'
import type { OpenCopy } from './bulk.ts'
import type { Postgres } from './connect.ts'
import { isTaken } from './fault.ts'
import { ownTable } from './place.ts'
import type { Place } from './place.ts'

// Of fewer rows the indexes cost less than one more table in the catalogue.
const leastRows = 50_000
// Sorts of this size stay in memory: the keys of a million users.
const sortMemory = '128MB'
// A table that inherits is made beside readers and writers, but not beside VACUUM.
const waitForTable = '2s'

const indexHead = /^CREATE (UNIQUE )?INDEX \S+ ON \S+ /

async function makeIndexes(sql: Postgres, { directory }: Place): Promise<void> {
  const table = ownTable(directory)
  await sql.unsafe(`SET LOCAL maintenance_work_mem = '${sortMemory}'`)
  const rows = await sql`SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'users' ORDER BY indexname`
  for (const row of rows) {
    const name = text(row, 'indexname').replace(/^users/, table)
    await sql.unsafe(
      text(row, 'indexdef').replace(
        indexHead,
        (_, unique = '') => `CREATE ${unique}INDEX ${name} ON ${table} `,
      ),
    )
  }
  await sql`UPDATE directories SET loading = NULL WHERE id = ${directory}`
}

async function loadingRun(sql: Postgres, directory: number): Promise<number | null> {
  const [row] = await sql`SELECT loading FROM directories WHERE id = ${directory}`
  return row === undefined || row['loading'] === null ? null : number(row, 'loading')
}

export interface LoadOptions {
  place: Place
  run: number
  /** The run goes on with what it has begun before. */
  active: boolean
}

/**
 * The first load of a directory: its rows go into a table of its own without indexes, which are made when all of
 * them are there. Everything is part of the batches' transactions, as in sqlite/directory-load.ts.
 */
export function createLoad(sql: Postgres, { place, run, active }: LoadOptions) {
  let loading = active
  let copy: OpenCopy | undefined

  /** Waits for what was sent: from here on the session can be asked again. */
  async function flush(): Promise<void> {
    const last = copy
    copy = undefined
    if (last === undefined || (await last.end())) return
    // Row by row it can be told which it was, but not without indexes: the next try goes on with them.
    await sql`ROLLBACK`
    await sql`BEGIN`
    await makeIndexes(sql, place)
    await sql`COMMIT`
    loading = false
    throw new Error('The database has refused rows of a first load')
  }

  return {
    flush,
    cut: () => copy?.cut(),
    /** Sends rows for the COPY `statement`, which goes on until `flush`: nobody waits for the database meanwhile. */
    async send(statement: string, lines: string): Promise<void> {
      copy ??= await openCopy(sql, statement)
      await copy.write(lines)
    },
    /** True while rows are stored without indexes. */
    get active(): boolean {
      return loading
    },
    /** Stores the rows to come without indexes, where they are many and the first. */
    async begin(rows: number): Promise<void> {
      if (loading || rows < leastRows) return
      const users = await sql`SELECT 1 FROM ONLY ${sql(place.users)}
        WHERE directory = ${place.directory} LIMIT 1`
      if (users.length > 0) return
      const table = ownTable(place.directory)
      await sql`SAVEPOINT load`
      try {
        await sql.unsafe(`SET LOCAL lock_timeout = '${waitForTable}'`)
        await sql.unsafe(`DROP TABLE IF EXISTS ${table}`)
        await sql.unsafe(`CREATE TABLE ${table} () INHERITS (users) WITH (fillfactor = 90)`)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === '55P03')) throw error
        await sql`ROLLBACK TO SAVEPOINT load`
        await sql`RELEASE SAVEPOINT load`
        return
      }
      await sql`UPDATE directories SET own = 1, loading = ${run} WHERE id = ${place.directory}`
      await sql`RELEASE SAVEPOINT load`
      place.users = table
      loading = true
    },
    async end(): Promise<void> {
      await flush()
      if (loading) await makeIndexes(sql, place)
      loading = false
    },
  }
}

/**
 * Ends what a run has left that did not come to its end; true when it is the run's own, to be gone on with. Should two of its rows have a key in common, against
 * what it was told, they are all taken back: nobody was told that they are there.
 */
export async function endLoadOfOthers(
  sql: Postgres,
  place: Place,
  run: number | null,
): Promise<boolean> {
  const loading = await loadingRun(sql, place.directory)
  if (loading === null || loading === run) return loading !== null
  await sql`BEGIN`
  await sql`SAVEPOINT load`
  try {
    await makeIndexes(sql, place)
  } catch (error) {
    if (!isTaken(error)) throw error
    await sql`ROLLBACK TO SAVEPOINT load`
    await sql.unsafe(`TRUNCATE ${ownTable(place.directory)}`)
    await sql`DELETE FROM fingerprints WHERE directory = ${place.directory}`
    await makeIndexes(sql, place)
  }
  await sql`COMMIT`
  return false
}
