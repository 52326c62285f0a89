import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { columns } from './rows.ts'

/** Our own tables for SQLite: peers store into the same ones, with the same indexes. */
export const sqliteSchema = readFileSync(
  join(import.meta.dirname, '..', '..', 'src', 'db', 'migrations', 'directory', '0001-first.sql'),
  'utf8',
)

/** The same settings that our directory has. */
export const sqlitePragmas =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -64000;'

const stored = columns.filter((column) => column !== 'status')
const compared = [...stored.filter((column) => column !== 'UserUUID'), 'active']

/** Columns that a merge fills, in the order of `values`. */
const filled = [
  ...stored,
  'active',
  'email_key',
  'username_key',
  'created_run',
  'changed_run',
  'created_at',
  'changed_at',
  'change',
]

/** Expressions over a staged row, or over parameters in the order of the columns; blank cells store nothing. */
export function valuesOf(cell: (column: string, index: number) => string): string[] {
  const at = (column: (typeof columns)[number]) => cell(column, columns.indexOf(column))
  return [
    ...stored.map((column) => `nullif(${at(column)}, '')`),
    `CASE WHEN ${at('status')} = 'inactive' THEN 0 ELSE 1 END`,
    `lower(${at('email')})`,
    `lower(${at('username')})`,
    '1',
    '1',
    '1700000000000',
    '1700000000000',
    '1',
  ]
}

/**
 * Inserts what is new and updates what differs, in one statement; `different` is the operator for it.
 *
 * `source` goes behind the column list.
 */
export function upsert(source: string, different: string): string {
  const set = [...compared, 'email_key', 'username_key', 'changed_run', 'changed_at', 'change']
  return `INSERT INTO users (${filled.join(', ')}) ${source}
    ON CONFLICT (UserUUID) WHERE UserUUID IS NOT NULL DO UPDATE SET ${set.map((column) => `${column} = excluded.${column}`).join(', ')}
    WHERE ${compared.map((column) => `users.${column} ${different} excluded.${column}`).join(' OR ')}`
}

/** The parts of a MERGE. */
export const merge = { filled, compared }
