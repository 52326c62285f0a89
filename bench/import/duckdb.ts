import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { columns } from './rows.ts'
import { merge, valuesOf } from './schema.ts'
import type { Side } from './side.ts'

const { filled, compared } = merge
const numbers = new Set([
  'active',
  'created_run',
  'changed_run',
  'created_at',
  'changed_at',
  'change',
])
const ofKey = new Set(['UserUUID', 'email_key', 'username_key'])

const schema = `CREATE TABLE users (${filled
  .map(
    (name) => `${name} ${numbers.has(name) ? 'BIGINT' : 'TEXT'}${ofKey.has(name) ? ' UNIQUE' : ''}`,
  )
  .join(', ')})`

function statement(csv: string): string {
  const staged = valuesOf((column) => `s.${column}`).map(
    (expression, index) => `${expression} AS ${filled[index] ?? ''}`,
  )
  const types = columns.map((column) => `'${column}': 'VARCHAR'`).join(', ')
  const changes = [...compared, 'changed_run', 'changed_at'].map((name) => `${name} = n.${name}`)
  const differs = compared.map((name) => `u.${name} IS DISTINCT FROM n.${name}`)
  return `MERGE INTO users AS u
    USING (SELECT ${staged.join(', ')} FROM read_csv('${csv}', header = true, delim = ',', quote = '"', columns = {${types}}) AS s) AS n
    ON u.UserUUID = n.UserUUID
    WHEN MATCHED AND (${differs.join(' OR ')}) THEN UPDATE SET ${changes.join(', ')}
    WHEN NOT MATCHED THEN INSERT (${filled.join(', ')}) VALUES (${filled.map((name) => `n.${name}`).join(', ')})`
}

/** DuckDB by its own package for Node: read_csv straight into one MERGE, on all cores. */
export function duckdb(folder: string): Side {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'users.duckdb')

  async function withDuckDb<T>(work: (run: (sql: string) => Promise<unknown[][]>) => Promise<T>) {
    const instance = await DuckDBInstance.create(file)
    const connection = await instance.connect()
    try {
      return await work(async (sql) => (await connection.runAndReadAll(sql)).getRows())
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }

  return {
    name: 'DuckDB',
    async reset() {
      for (const end of ['', '.wal']) rmSync(`${file}${end}`, { force: true })
      await withDuckDb((run) => run(schema))
    },
    prepare: async (csv) => async () => {
      await withDuckDb((run) => run(statement(csv)))
    },
    async users() {
      const [row] = await withDuckDb((run) => run('SELECT count(*) FROM users'))
      return Number(row?.[0])
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
