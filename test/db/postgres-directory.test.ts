import { afterAll, beforeAll, describe, test } from 'vitest'
import { openPool } from '../../src/db/postgres/connect.ts'
import type { Postgres } from '../../src/db/postgres/connect.ts'
import { openDirectory } from '../../src/db/postgres/directory.ts'
import { migrate } from '../../src/db/postgres/migrate.ts'
import { checkCase } from '../import/corpus-case.ts'
import { openDesk } from '../import/desk.ts'
import { passesOver } from '../import/passed-over.ts'
import { corpus } from '../support/corpus.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import { rowsContract } from './directory-rows-contract.ts'
import { failedBeforeContract } from './failed-before-contract.ts'
import { runsContract } from './directory-runs-contract.ts'
import { sightingsContract } from './sightings-contract.ts'
import { usersContract } from './users-contract.ts'

const programs = postgresPrograms()

describe.skipIf(programs === undefined)('with PostgreSQL', () => {
  let cluster: Cluster
  let url: string
  let sql: Postgres

  beforeAll(async () => {
    cluster = await startPostgres(programs ?? '')
    url = await cluster.database()
    await migrate(url)
    sql = await openPool(url, 4)
  })
  afterAll(async () => {
    await sql.end()
    await cluster.remove()
  })

  const open = (tenantId: string) => openDirectory({ url, sql, tenantId })

  test.each(corpus)('importing $file shows what is expected: $what', async (expected) => {
    const { settings, loginSources } = expected
    const directory = await open(`ten_corpus_${expected.file}`)
    await checkCase(expected, openDesk({ settings, loginSources, directory }))
  })

  test('gives the same whether known records are passed over or every row is read', async () => {
    let desks = 0
    const desk = async () => {
      desks += 1
      return openDesk({ directory: await open(`ten_passed_${desks}`) })
    }
    await passesOver(desk, (one, content, options) => one.drop(content, options), 15)
  }, 120_000)

  rowsContract('PostgreSQL', open)
  runsContract('PostgreSQL', open)
  sightingsContract('PostgreSQL', open)
  usersContract('PostgreSQL', open)
  failedBeforeContract('PostgreSQL', open)
})
