import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../domain/error.ts'
import { shownList } from '../../domain/reason.ts'
import { copyIn, copyValue } from '../postgres/bulk.ts'
import { openSession } from '../postgres/connect.ts'
import type { Postgres } from '../postgres/connect.ts'
import { migrate } from '../postgres/migrate.ts'
import { text } from '../row.ts'
import type { Row } from '../row.ts'
import { openSqlite } from '../sqlite/open.ts'
import { directoryTables, ledgerOf, stateTables } from './tables.ts'
import type { Numbers, Table, Value } from './tables.ts'

/** What was copied of one table, and its SHA-256 over all values, the same read from either side. */
export interface CopiedTable {
  /** Of a directory: its tenant. */
  tenantId: string | null
  table: string
  rows: number
  sha256: string
}

export interface CopyOptions {
  /** The data folder with `state.db` and `directory/`. Nothing may be writing to it. */
  folder: string
  /** The PostgreSQL database. */
  url: string
  /** The host key, for the processes to come. */
  hostKey: string | undefined
  onTable: (copied: CopiedTable) => void
}

const bytesAtOnce = 4 * 1024 * 1024
const rowsAtOnce = 2_000

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

function add(hash: Hash, values: readonly Value[]): void {
  for (const value of values) {
    if (value instanceof Uint8Array) hash.update('b').update(value)
    else hash.update(JSON.stringify(value))
    hash.update('\n')
  }
}

const inText = (value: Value): string =>
  value instanceof Uint8Array
    ? `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`
    : copyValue(value)

/** Writes a table, reads it back and compares; `where` finds its rows of this directory in the target. */
async function copyTable(
  sql: Postgres,
  db: DatabaseSync,
  table: Table,
  where: string,
): Promise<{ rows: number; sha256: string }> {
  const sent = createHash('sha256')
  const statement = `COPY ${table.name} (${quoted(table.columns)}) FROM STDIN`
  let rows = 0
  let lines = ''
  const send = async (): Promise<void> => {
    if (lines === '') return
    if (!(await copyIn(sql, statement, lines))) {
      throw new Error(`PostgreSQL refuses rows of the table ${table.name}`)
    }
    lines = ''
  }
  for (const row of db.prepare(table.select).iterate()) {
    const values = table.values(row)
    add(sent, values)
    lines += `${values.map(inText).join('\t')}\n`
    rows += 1
    if (lines.length >= bytesAtOnce) await send()
  }
  await send()

  const stored = createHash('sha256')
  let found = 0
  const select = `SELECT ${quoted(table.columns)} FROM ${table.name} ${where} ORDER BY ${quoted(table.order)}`
  await sql.unsafe(select).cursor(rowsAtOnce, (page) => {
    found += page.length
    for (const row of page)
      add(
        stored,
        table.columns.map((column) => stand(row, column)),
      )
  })
  const sha256 = sent.digest('hex')
  if (found !== rows || stored.digest('hex') !== sha256) {
    throw new Error(
      `The table ${table.name} is not the same after the copy: ${rows} rows were sent, ${found} are there`,
    )
  }
  return { rows, sha256 }
}

function stand(row: Row, column: string): Value {
  const value = row[column]
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`Column ${column} has an unknown type`)
}

/** A directory is given its number, and its runs theirs. */
async function numbersOf(sql: Postgres, db: DatabaseSync, tenantId: string): Promise<Numbers> {
  const changedBy = db.prepare("SELECT value FROM facts WHERE name = 'changed_by'").get()
  const [made] = await sql`INSERT INTO directories (tenant_id, changed_by)
    VALUES (${tenantId}, ${changedBy === undefined ? null : text(changedBy, 'value')}) RETURNING id`
  const directory = Number(made?.['id'])
  const ledger = ledgerOf(db.prepare('SELECT * FROM ledger ORDER BY seq').all())
  const numbers = new Map<number, number>()
  for (let at = 0; at < ledger.length; at += rowsAtOnce) {
    const some = ledger.slice(at, at + rowsAtOnce)
    const rows = await sql`INSERT INTO ledger (directory, run_id, state)
      SELECT ${directory}::int, * FROM unnest(${some.map(({ runId }) => runId)}::text[], ${some.map(({ state }) => state)}::text[])
      RETURNING seq, run_id`
    const byId = new Map(rows.map((row) => [text(row, 'run_id'), Number(row['seq'])]))
    for (const { seq, runId } of some) numbers.set(seq, byId.get(runId) ?? 0)
  }
  return { directory, run: (ofSource) => numbers.get(ofSource) ?? 0 }
}

async function refuseOthers(sql: Postgres, db: DatabaseSync): Promise<void> {
  const here = new Set(
    db
      .prepare('SELECT id FROM tenants')
      .all()
      .map((row) => text(row, 'id')),
  )
  const there = await sql`SELECT id, name FROM tenants`
  const others = there.filter((row) => !here.has(text(row, 'id')))
  if (others.length === 0) return
  throw new AppError(
    'conflict',
    `Cannot copy: the database has clients that the folder lacks, ${shownList(others.map((row) => text(row, 'name')))}, an empty database is needed, or one that was copied from this folder`,
  )
}

/**
 * Copies a whole installation from a SQLite folder into a PostgreSQL database: all of it, or nothing.
 *
 * What an earlier copy has put there is replaced, so that it can be repeated until the day of the move.
 */
export async function copyDatabase({ folder, url, hostKey, onTable }: CopyOptions): Promise<void> {
  const stateFile = join(folder, 'state.db')
  if (!existsSync(stateFile)) {
    throw new AppError('not_found', `Cannot copy from "${folder}": there is no state.db in it`)
  }
  await migrate(url)
  const session = await openSession(url, { name: 'copy' })
  const { sql } = session
  const state = openSqlite(stateFile, 'state')
  try {
    await sql`BEGIN`
    await refuseOthers(sql, state)
    const names = [
      ...stateTables.map(({ name }) => name),
      ...directoryTables({ directory: 0, run: Number }).map(({ name }) => name),
      'ledger',
      'changed_users',
      'names',
      'directories',
      'turns',
    ]
    await sql.unsafe(`TRUNCATE ${names.join(', ')} RESTART IDENTITY`)
    for (const table of stateTables) {
      onTable({ tenantId: null, table: table.name, ...(await copyTable(sql, state, table, '')) })
    }
    for (const name of ['drops', 'audit']) {
      await sql.unsafe(
        `SELECT setval(pg_get_serial_sequence('${name}', 'seq'), coalesce(max(seq), 0) + 1, false) FROM ${name}`,
      )
    }
    await copyDirectories(sql, join(folder, 'directory'), onTable)
    if (hostKey !== undefined) {
      await sql`INSERT INTO secrets VALUES ('ssh_host_ed25519_key', ${hostKey})
        ON CONFLICT (name) DO UPDATE SET value = excluded.value`
    }
    await sql`COMMIT`
    await sql`ANALYZE`
  } finally {
    state.close()
    await session.end()
  }
}

async function copyDirectories(
  sql: Postgres,
  folder: string,
  onTable: (copied: CopiedTable) => void,
): Promise<void> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : []
  for (const file of files.sort()) {
    const db = openSqlite(join(folder, file), 'directory')
    try {
      const owner = db.prepare("SELECT value FROM facts WHERE name = 'tenant'").get()
      if (owner === undefined) continue
      const tenantId = text(owner, 'value')
      const numbers = await numbersOf(sql, db, tenantId)
      const runs = `WHERE run IN (SELECT seq FROM ledger WHERE directory = ${numbers.directory})`
      for (const table of directoryTables(numbers)) {
        const where = table.columns.includes('directory')
          ? `WHERE directory = ${numbers.directory}`
          : runs
        onTable({ tenantId, table: table.name, ...(await copyTable(sql, db, table, where)) })
      }
      await sql`SELECT rosterdrop_changed_users(${numbers.directory})`
    } finally {
      db.close()
    }
  }
}
