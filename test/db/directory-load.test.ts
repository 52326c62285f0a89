import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
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

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const enough = 20_000
let files = 0

/** A directory of its own, the statements that make its indexes, and how to open it. */
function fresh() {
  files += 1
  const tenantId = `ten_load_${files}`
  const file = join(folder, `${tenantId}.db`)
  const open = () => openDirectory({ file, tenantId })
  const indexes = (): string[] => {
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = db
      .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users'")
      .all()
    db.close()
    return rows.map(({ sql }) => String(sql)).toSorted()
  }
  return { open, indexes, directory: open(), all: indexes() }
}

/** A run that stores Ada and Bob as a first load, and commits them. */
async function begun(directory: ReturnType<typeof openDirectory>) {
  const ledger = await directory.begin(ledgerOptions('run_1'))
  ledger.plan(plan)
  ledger.expect(enough)
  expect(await applyAll(ledger, [])).toEqual({})
  return ledger
}

/** The same up to the batch after which the process is killed, with one more row that is lost. */
async function killed() {
  const made = fresh()
  const ledger = await made.directory.begin(ledgerOptions('run_1'))
  ledger.plan(plan)
  ledger.expect(enough)
  await ledger.commit(beginning)
  await ledger.apply([importRow({ ...ada, hash: 5 }), importRow(bob)])
  await ledger.commit({ ...beginning, position: 100, line: 4 })
  expect(made.indexes()).toEqual([])
  await ledger.apply([importRow(eve)])
  await ledger.close()
  await made.directory.close()
  expect(made.indexes()).toEqual([])
  return made
}

describe('the first load of a directory', () => {
  test('settle() makes the indexes, and they hold for the rows after it', async () => {
    const { directory, indexes, all } = fresh()
    const ledger = await begun(directory)
    expect(all.length).toBeGreaterThan(3)
    await ledger.commit(done)
    await ledger.close()
    expect(indexes()).toEqual(all)
    await importAll(directory, 'run_2', [ada])
    expect(await importAll(directory, 'run_3', [{ ...bob, email: ada.email }])).toEqual({
      3: '9019',
    })
    await directory.close()
  })

  test('goes on after a kill from its last batch: every user once, and every index', async () => {
    const { open, indexes, all } = await killed()
    const directory = open()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    expect(ledger.stored).toMatchObject({ position: 100, line: 4 })
    ledger.plan(plan)
    expect(indexes()).toEqual([])
    expect(await ledger.apply([importRow(eve)])).toEqual(['created'])
    await ledger.settle(async () => undefined)
    await ledger.commit(done)
    await ledger.close()
    expect(indexes()).toEqual(all)
    expect((await usersOf(directory)).map(({ UserUUID }) => UserUUID)).toEqual(['u1', 'u2', 'u3'])
    expect(await importAll(directory, 'run_2', [ada, bob, eve])).toEqual({
      2: 'unchanged',
      3: 'unchanged',
      4: 'unchanged',
    })
    await directory.close()
  })

  test('is ended by a cancel, with the outcome', async () => {
    const { open, indexes, all } = await killed()
    const directory = open()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    await ledger.commit({ ...done, outcome: 'cancelled' })
    await ledger.close()
    expect(indexes()).toEqual(all)
    expect(await usersOf(directory)).toHaveLength(2)
    await directory.close()
  })

  test('is ended by the next run when its own never comes back', async () => {
    const { open, indexes, all } = await killed()
    const directory = open()
    expect(await importAll(directory, 'run_2', [{ ...eve, email: bob.email }])).toEqual({
      4: '9019',
    })
    expect(indexes()).toEqual(all)
    expect(await usersOf(directory)).toHaveLength(2)
    await directory.close()
  })

  test('is ended by a revert', async () => {
    const { open, indexes, all } = await killed()
    const directory = open()
    expect(await directory.revert('run_1', 'run_2', 5)).toEqual({ removed: 2, restored: 0 })
    expect(indexes()).toEqual(all)
    await directory.close()
  })

  test('whose rows have a key in common after all fails, and the next run takes it back', async () => {
    const { open, directory, indexes, all } = fresh()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(enough)
    await ledger.apply([importRow(ada), importRow({ ...bob, email: ada.email })])
    await ledger.commit(beginning)
    await expect(ledger.settle(async () => undefined)).rejects.toThrow('UNIQUE')
    await ledger.close()
    await directory.close()

    const again = open()
    expect(await importAll(again, 'run_2', [eve])).toEqual({ 4: 'created' })
    expect(await usersOf(again)).toMatchObject([{ UserUUID: 'u3' }])
    expect(indexes()).toEqual(all)
    await again.close()
  })

  test('is none where there are users, for few rows, and in a dry run', async () => {
    const small = fresh()
    const first = await small.directory.begin(ledgerOptions('run_1'))
    first.plan(plan)
    first.expect(enough - 1)
    expect(await applyAll(first, [ada])).toEqual({ 2: 'created' })
    await first.commit(beginning)
    expect(small.indexes()).toEqual(small.all)
    await first.commit(done)
    await first.close()
    const second = await small.directory.begin(ledgerOptions('run_2'))
    second.plan(plan)
    second.expect(enough)
    await second.commit(beginning)
    expect(small.indexes()).toEqual(small.all)
    await second.close()
    await small.directory.close()

    const dry = fresh()
    const third = await dry.directory.begin(ledgerOptions('run_1', { dryRun: true }))
    third.plan(plan)
    third.expect(enough)
    expect(await applyAll(third, [ada, { ...bob, email: ada.email }])).toEqual({
      2: 'created',
      3: '9019',
    })
    await third.commit(done)
    await third.close()
    expect(dry.indexes()).toEqual(dry.all)
    expect(await usersOf(dry.directory)).toEqual([])
    await dry.directory.close()
  })
})
