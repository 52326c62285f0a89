import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../../src/db/postgres/connect.ts'
import type { Postgres } from '../../src/db/postgres/connect.ts'
import { openDirectory } from '../../src/db/postgres/directory.ts'
import { migrate } from '../../src/db/postgres/migrate.ts'
import { openDesk } from '../import/desk.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  importAll,
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
      own,
      indexes: () => indexesOf(table),
      all: await indexesOf('users'),
    }
  }

  /** A run up to the batch after which the process is killed, with one more row that is lost. */
  async function killed() {
    const made = await fresh()
    const ledger = await made.directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await ledger.commit(beginning)
    await ledger.apply([importRow({ ...ada, hash: 5 }), importRow(bob)])
    await ledger.commit({ ...beginning, position: 100, line: 4 })
    await ledger.apply([importRow(eve)])
    await ledger.close()
    expect(await made.own()).toBe(1)
    expect(await made.indexes()).toEqual([])
    return made
  }

  test('goes into a table of its own, whose indexes hold for the rows after it', async () => {
    const { directory, indexes, all, table, own } = await fresh()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    expect(await applyAll(ledger, [ada, bob])).toEqual({ 2: 'created', 3: 'created' })
    await ledger.commit(done)
    await ledger.close()
    expect(all.length).toBeGreaterThan(4)
    expect(await indexes()).toEqual(all)
    expect(await own()).toBe(1)
    expect(cluster.sql(url, `SELECT count(*) FROM ONLY ${table}`)).toBe('2')
    expect((await usersOf(directory)).map(({ UserUUID }) => UserUUID)).toEqual(['u1', 'u2'])
    expect(await importAll(directory, 'run_2', [{ ...bob, email: ada.email }, eve])).toEqual({
      3: '9019',
      4: 'created',
    })
    expect(await directory.revert('run_2', 'run_3', 5)).toEqual({ removed: 1, restored: 0 })
    expect(await usersOf(directory)).toHaveLength(2)
  })

  test('is seen by who has opened the directory before it', async () => {
    const { directory, open } = await fresh()
    const reader = await open()
    expect(await usersOf(reader)).toEqual([])
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await applyAll(ledger, [ada])
    await ledger.commit(done)
    await ledger.close()
    expect(await usersOf(reader)).toMatchObject([{ UserUUID: 'u1' }])
  })

  test('goes on after a kill from its last batch: every user once, and every index', async () => {
    const { directory, indexes, all } = await killed()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    expect(ledger.stored).toMatchObject({ position: 100, line: 4 })
    ledger.plan(plan)
    expect(await indexes()).toEqual([])
    expect(await ledger.apply([importRow(eve)])).toEqual(['created'])
    await ledger.settle(async () => undefined)
    await ledger.commit(done)
    await ledger.close()
    expect(await indexes()).toEqual(all)
    expect((await usersOf(directory)).map(({ UserUUID }) => UserUUID)).toEqual(['u1', 'u2', 'u3'])
  })

  test('is ended by a cancel, by the next run, and by a revert', async () => {
    const cancelled = await killed()
    const ledger = await cancelled.directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    await ledger.commit({ ...done, outcome: 'cancelled' })
    await ledger.close()
    expect(await cancelled.indexes()).toEqual(cancelled.all)
    expect(await usersOf(cancelled.directory)).toHaveLength(2)

    const followed = await killed()
    expect(await importAll(followed.directory, 'run_2', [{ ...eve, email: bob.email }])).toEqual({
      4: '9019',
    })
    expect(await followed.indexes()).toEqual(followed.all)
    expect(await usersOf(followed.directory)).toHaveLength(2)

    const reverted = await killed()
    expect(await reverted.directory.revert('run_1', 'run_2', 5)).toEqual({
      removed: 2,
      restored: 0,
    })
    expect(await reverted.indexes()).toEqual(reverted.all)
    expect(await usersOf(reverted.directory)).toEqual([])
  })

  test('whose rows have a key in common after all fails, and the next run takes it back', async () => {
    const { directory, indexes, all } = await fresh()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await ledger.commit(beginning)
    await ledger.apply([importRow(ada), importRow({ ...bob, email: ada.email })])
    await ledger.commit(beginning)
    await expect(ledger.settle(async () => undefined)).rejects.toThrow('unique index')
    await ledger.close()
    expect(await importAll(directory, 'run_2', [eve])).toEqual({ 4: 'created' })
    expect(await usersOf(directory)).toMatchObject([{ UserUUID: 'u3' }])
    expect(await indexes()).toEqual(all)
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

  test('is none where there are users, for few rows, and in a dry run', async () => {
    const small = await fresh()
    const first = await small.directory.begin(ledgerOptions('run_1'))
    first.plan(plan)
    first.expect(enough - 1)
    expect(await applyAll(first, [ada])).toEqual({ 2: 'created' })
    await first.commit(done)
    await first.close()
    const second = await small.directory.begin(ledgerOptions('run_2'))
    second.plan(plan)
    second.expect(enough)
    await second.commit(beginning)
    await second.close()
    expect(await small.own()).toBe(0)

    const dry = await fresh()
    const third = await dry.directory.begin(ledgerOptions('run_1', { dryRun: true }))
    third.plan(plan)
    third.expect(enough)
    expect(await applyAll(third, [ada, { ...bob, email: ada.email }])).toEqual({
      2: 'created',
      3: '9019',
    })
    await third.commit(done)
    await third.close()
    expect(await dry.own()).toBe(0)
    expect(await usersOf(dry.directory)).toEqual([])
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
