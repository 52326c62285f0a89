import { postgresPrograms } from '../support/postgres.ts'
import { passesUnderDeno } from '../support/under-deno.ts'

passesUnderDeno('the stores in SQLite', [
  'test/db/state.test.ts',
  'test/db/directory.test.ts',
  'test/db/directory-load.test.ts',
])

passesUnderDeno(
  'the stores in PostgreSQL',
  [
    'test/db/postgres-state.test.ts',
    'test/db/postgres-directory.test.ts',
    'test/db/postgres-load.test.ts',
    'test/db/copy.test.ts',
  ],
  postgresPrograms() !== undefined,
)
