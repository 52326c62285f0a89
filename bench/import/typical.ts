import { createReadStream } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { parse } from 'csv-parse'
import { columns } from './rows.ts'
import { sqlitePragmas, upsert, valuesOf } from './schema.ts'
import { sqliteFile } from './sqlite-shell.ts'
import type { Side } from './side.ts'

/** What is mostly written for Node: csv-parse with objects, one upsert a row, one transaction. */
export function typicalNode(folder: string): Side {
  const { file, ...rest } = sqliteFile(folder)
  const statement = upsert(
    `VALUES (${valuesOf((_, index) => `?${index + 1}`).join(', ')})`,
    'IS NOT',
  )
  return {
    name: 'typical Node importer',
    ...rest,
    prepare: async (csv) => async () => {
      const db = new DatabaseSync(file)
      db.exec(sqlitePragmas)
      const insert = db.prepare(statement)
      db.exec('BEGIN')
      const parser = createReadStream(csv).pipe(parse({ columns: true, bom: true }))
      for await (const row of parser as AsyncIterable<Record<string, string>>) {
        insert.run(...columns.map((column) => row[column] ?? ''))
      }
      db.exec('COMMIT')
      db.close()
    },
  }
}
