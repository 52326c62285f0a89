import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../../src/db/postgres/connect.ts'
import type { Postgres } from '../../src/db/postgres/connect.ts'
import { openDirectory } from '../../src/db/postgres/directory.ts'
import type { Directory } from '../../src/domain/directory.ts'
import { migrate } from '../../src/db/postgres/migrate.ts'
import { checkCase } from '../import/corpus-case.ts'
import { openDesk } from '../import/desk.ts'
import { passesOver } from '../import/passed-over.ts'
import { corpus } from '../support/corpus.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import {
  ada,
  bob,
  done,
  importAll,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'
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

  test('a user who was looked up ahead is found, and stored as other rows have left it', async () => {
    const directory = await open('ten_ahead')
    await importAll(directory, 'run_1', [ada, bob])
    const ledger = await directory.begin(ledgerOptions('run_2'))
    ledger.plan(plan)
    // Numbers of one of them and of nobody.
    ledger.lookAhead?.(['u1', 'u2', 'u9'], [2, 77])
    const keys = [
      { uuid: 'u2', emailKey: null },
      { uuid: 'u9', emailKey: 'ada@x.example' },
      { uuid: null, emailKey: 'ada@x.example' },
    ]
    expect((await ledger.find(keys)).map((user) => user?.emailKey)).toEqual([
      'bob@x.example',
      undefined,
      'ada@x.example',
    ])
    const byEmail = importRow({ line: 2, email: 'ada@x.example', firstName: 'Augusta' })
    expect(await ledger.apply([byEmail])).toEqual(['updated'])
    const byUuid = importRow({ line: 3, UserUUID: 'u1', lastName: 'Lovelace' })
    expect(await ledger.apply([byUuid, byUuid])).toEqual(['updated', 'unchanged'])
    expect(await ledger.apply([importRow(bob), importRow({ ...bob, firstName: 'Rob' })])).toEqual([
      'unchanged',
      'updated',
    ])
    await ledger.commit(done)
    await ledger.close()
    expect(await usersOf(directory)).toMatchObject([
      { email: 'ada@x.example', firstName: 'Augusta', lastName: 'Lovelace' },
      { email: 'bob@x.example', firstName: 'Rob' },
    ])
    await directory.close()
  })

  /** Every row's user is looked up ahead. */
  const openAhead = async (tenantId: string, likely?: readonly number[]): Promise<Directory> => {
    const directory = await open(tenantId)
    return {
      ...directory,
      async begin(options) {
        const ledger = await directory.begin(options)
        return {
          ...ledger,
          apply(given) {
            const uuids = given.map(({ row }) => row.uuid).filter((uuid) => uuid !== null)
            ledger.lookAhead?.(uuids, likely)
            return ledger.apply(given)
          },
        }
      },
    }
  }

  rowsContract('PostgreSQL', open)
  rowsContract('PostgreSQL ahead', openAhead)
  rowsContract('PostgreSQL ahead by number', (tenantId) => openAhead(`${tenantId}_n`, [1, 2, 3, 9]))
  runsContract('PostgreSQL', open)
  sightingsContract('PostgreSQL', open)
  usersContract('PostgreSQL', open)
  failedBeforeContract('PostgreSQL', open)
})
