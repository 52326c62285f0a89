import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { columns } from './rows.ts'
import { sqlitePragmas, sqliteSchema, upsert, valuesOf } from './schema.ts'
import type { Side } from './side.ts'

/** Runs a program with `input`; what it prints to its standard output. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input: string,
): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  return output
}

/** A file of our own schema for SQLite, and how many users it has. */
export function sqliteFile(folder: string) {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'users.db')
  return {
    file,
    async reset(): Promise<void> {
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
      const db = new DatabaseSync(file)
      db.exec(sqlitePragmas)
      db.exec(sqliteSchema)
      db.close()
    },
    async users(): Promise<number> {
      const db = new DatabaseSync(file, { readOnly: true })
      const count = Number(db.prepare('SELECT count(*) AS n FROM users').get()?.['n'])
      db.close()
      return count
    },
    async close(): Promise<void> {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The sqlite3 shell: `.import` into a staging table, then one merge. */
export function sqliteShell(folder: string): Side {
  const { file, ...rest } = sqliteFile(folder)
  const source = `SELECT ${valuesOf((column) => `s.${column}`).join(', ')} FROM staging AS s WHERE true`
  return {
    name: 'sqlite3 shell',
    ...rest,
    prepare: async (csv) => async () => {
      await runProgram(
        'sqlite3',
        ['-batch', '-bail', file],
        // A command with a dot stands at the start of its line.
        [
          sqlitePragmas,
          `CREATE TEMP TABLE staging (${columns.map((column) => `${column} TEXT`).join(', ')});`,
          `.import --csv --skip 1 ${csv} staging`,
          `${upsert(source, 'IS NOT')};\n`,
        ].join('\n'),
      )
    },
  }
}
