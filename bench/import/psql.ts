import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { postgresPrograms, startPostgres } from '../../test/support/postgres.ts'
import { columns } from './rows.ts'
import { merge, upsert, valuesOf } from './schema.ts'
import { runProgram } from './sqlite-shell.ts'
import type { Side } from './side.ts'

const numbers = new Set([
  'active',
  'created_run',
  'changed_run',
  'created_at',
  'changed_at',
  'change',
])

const schema = `DROP TABLE IF EXISTS users;
  CREATE TABLE users (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${merge.filled
    .map((name) => `${name} ${numbers.has(name) ? 'BIGINT' : 'TEXT'}`)
    .join(', ')});
  CREATE INDEX ON users (change);
  CREATE INDEX ON users (active) WHERE active = 0;
  CREATE UNIQUE INDEX ON users (UserUUID) WHERE UserUUID IS NOT NULL;
  CREATE UNIQUE INDEX ON users (email_key) WHERE email_key IS NOT NULL;
  CREATE UNIQUE INDEX ON users (username_key) WHERE username_key IS NOT NULL;`

/** psql: `\copy` into a staging table, then one merge, on a PostgreSQL that syncs its commits. */
export async function psql(folder: string): Promise<Side> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot measure: PostgreSQL is needed')
  const cluster = await startPostgres(programs, { fsync: 'on', max_wal_size: '4GB' })
  const url = await cluster.database()
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o755)
  const source = `SELECT ${valuesOf((column) => `s.${column}`).join(', ')} FROM staging AS s`
  const run = (sql: string) =>
    runProgram(join(programs, 'psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', url], sql)
  return {
    name: 'psql \\copy',
    async reset() {
      await run(schema)
    },
    prepare: async (csv) => async () => {
      await run(`BEGIN;
        CREATE TEMP TABLE staging (${columns.map((column) => `${column} TEXT`).join(', ')}) ON COMMIT DROP;
        \\copy staging FROM '${csv}' WITH (FORMAT csv, HEADER true)
        ${upsert(source, 'IS DISTINCT FROM')};
        COMMIT;\n`)
    },
    async users() {
      return Number(await run('SELECT count(*) FROM users;'))
    },
    async close() {
      await cluster.remove()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
