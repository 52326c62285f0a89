import { runProgram, sqliteFile } from './sqlite-shell.ts'
import { sqlitePragmas, upsert, valuesOf } from './schema.ts'
import type { Side } from './side.ts'

/** Python's csv and sqlite3 modules: one executemany in one transaction. */
export function python(folder: string): Side {
  const { file, ...rest } = sqliteFile(folder)
  const statement = upsert(
    `VALUES (${valuesOf((_, index) => `?${index + 1}`).join(', ')})`,
    'IS NOT',
  )
  return {
    name: 'Python csv + sqlite3',
    ...rest,
    prepare: async (csv) => async () => {
      await runProgram(
        '/usr/bin/python3',
        ['-'],
        `import csv, sqlite3
db = sqlite3.connect(${JSON.stringify(file)})
db.executescript(${JSON.stringify(sqlitePragmas)})
with open(${JSON.stringify(csv)}, newline='', encoding='utf-8') as f:
    rows = csv.reader(f)
    next(rows)
    db.executemany(${JSON.stringify(statement)}, rows)
db.commit()
db.close()
`,
      )
    },
  }
}
