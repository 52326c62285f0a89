import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../../src/db/postgres/connect.ts'
import type { Postgres } from '../../src/db/postgres/connect.ts'
import { openDirectory } from '../../src/db/postgres/directory.ts'
import { migrate } from '../../src/db/postgres/migrate.ts'
import { openDesk } from '../import/desk.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import { loadContract } from './load-contract.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'

const programs = postgresPrograms()
const enough = 50_000

describe.skipIf(programs === undefined)('the first load of a directory in PostgreSQL', () => {
  let cluster: Cluster
  let url: string
  let sql: Postgres
  let directories = 0

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

  /** Another directory, the name of its table, and that table's indexes by what they are of. */
  async function fresh() {
    directories += 1
    const tenantId = `ten_load_${directories}`
    const open = () => openDirectory({ url, sql, tenantId })
    const directory = await open()
    const [row] = await sql`SELECT id FROM directories WHERE tenant_id = ${tenantId}`
    const table = `users_${Number(row?.['id'])}`
    const indexesOf = async (name: string): Promise<string[]> => {
      const rows = await sql`SELECT indexdef FROM pg_indexes WHERE tablename = ${name}`
      return rows.map(({ indexdef }) => String(indexdef).replace(/INDEX.*USING/, '')).toSorted()
    }
    const own = async (): Promise<number> =>
      Number((await sql`SELECT own FROM directories WHERE tenant_id = ${tenantId}`)[0]?.['own'])
    return {
      open,
      directory,
      table,
      loaded: async () => (await own()) === 1,
      indexes: () => indexesOf(table),
      all: await indexesOf('users'),
    }
  }

  loadContract('PostgreSQL', { fresh, enough, refusal: 'unique index' })

  test('goes into a table of its own, and is seen by who has opened the directory before it', async () => {
    const { directory, open, table } = await fresh()
    const reader = await open()
    expect(await usersOf(reader)).toEqual([])
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await applyAll(ledger, [ada])
    await ledger.commit(done)
    await ledger.close()
    expect(cluster.sql(url, `SELECT count(*) FROM ONLY ${table}`)).toBe('1')
    expect(await usersOf(reader)).toMatchObject([{ UserUUID: 'u1' }])
  })

  test('with a row that the database refuses goes on with indexes at the next try, which names the row', async () => {
    const { directory, indexes, all, table } = await fresh()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await ledger.commit(beginning)
    cluster.sql(url, `ALTER TABLE ${table} ADD CHECK (username <> 'bob')`)
    await ledger.apply([importRow(ada), importRow(bob)])
    await expect(ledger.commit(beginning)).rejects.toThrow('refused rows')
    await ledger.close()
    expect(await indexes()).toEqual(all)
    const again = await directory.begin(ledgerOptions('run_1'))
    again.plan(plan)
    expect(await applyAll(again, [ada, bob, eve])).toEqual({
      2: 'created',
      3: '9117',
      4: 'created',
    })
    await again.commit(done)
    await again.close()
    expect(await usersOf(directory)).toHaveLength(2)
  })

  const two = 'UserUUID,email,city\nu1,a@x.ca,Ottawa\nu2,b@x.ca,Ottawa\n'

  test('9117 happens for a row that the database refuses, and the others are imported', async () => {
    const { directory } = await fresh()
    const desk = openDesk({ directory })
    await desk.drop(two)
    cluster.sql(url, "ALTER TABLE users ADD CONSTRAINT no CHECK (email <> 'd@x.ca')")
    const dropped = await desk.drop('UserUUID,email\nu1,a2@x.ca\nu3,c@x.ca\nu4,d@x.ca\nu5,e@x.ca\n')
    cluster.sql(url, 'ALTER TABLE users DROP CONSTRAINT no')
    expect(dropped.failures.map(({ line, reasons }) => [line, reasons[0]?.code])).toEqual([
      [4, 9117],
    ])
    expect(dropped.faults).toHaveLength(1)
    expect(dropped.state.counts).toMatchObject({ rows: 4, created: 2, updated: 1, failed: 1 })
    const again = await desk.drop('UserUUID,email\nu3,c@x.ca\nu4,d@x.ca\nu5,e@x.ca\n')
    expect(again.state.counts).toMatchObject({ created: 1, unchanged: 2 })
  })

  test('9116 happens where users share an email, as after a directory was put together by hand', async () => {
    const { directory, open } = await fresh()
    const desk = openDesk({ directory })
    await desk.drop(two)
    const [row] = await sql`SELECT max(id) AS id FROM directories`
    cluster.sql(
      url,
      `DROP INDEX users_by_email;
       UPDATE users SET email = 'a@x.ca', email_key = 'a@x.ca' WHERE directory = ${Number(row?.['id'])}`,
    )
    const alone = await openDesk({ directory: await open() }).drop(
      'UserUUID,email,city\nu2,,\n,a@x.ca,Hull\n',
    )
    expect(alone.failures.map(({ line, reasons }) => [line, reasons[0]?.code])).toEqual([[3, 9116]])
    expect(await usersOf(directory)).toMatchObject([{ city: 'Ottawa' }, { city: 'Ottawa' }])
  })
})
