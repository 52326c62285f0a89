import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Directory } from '../../src/domain/directory.ts'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
import {
  ada,
  beginning,
  bob,
  done,
  importAll,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'
import { loadContract } from './load-contract.ts'
import type { LoadedDirectory } from './load-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

/** A directory of its own, and the statements that make its indexes. */
async function fresh(): Promise<LoadedDirectory & { file: string }> {
  files += 1
  const tenantId = `ten_load_${files}`
  const file = join(folder, `${tenantId}.db`)
  const open = async () => openDirectory({ file, tenantId })
  const indexes = async (): Promise<string[]> => {
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = db
      .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users'")
      .all()
    db.close()
    return rows.map(({ sql }) => String(sql)).toSorted()
  }
  await (await open()).close()
  const all = await indexes()
  // Few users are in it: it stays.
  const during = all.filter((sql) => sql.includes('active = 0'))
  const loaded = async () => (await indexes()).length === during.length
  return { file, open, indexes, all, during, loaded }
}

loadContract('SQLite', { fresh, enough: 20_000, refusal: 'UNIQUE' })
// So many that what is committed goes into the file in a thread of its own, index by index.
const enoughBeside = 60_000
loadContract('SQLite, with a thread beside it', { fresh, enough: enoughBeside, refusal: 'UNIQUE' })

describe('the log of a directory', () => {
  async function apply(directory: Directory, runId: string, rows: number) {
    const ledger = await directory.begin(ledgerOptions(runId))
    ledger.plan(plan)
    const rowsFirst = ledger.expect(rows)
    const street = 'x'.repeat(90)
    const row = (n: number) => importRow({ line: n + 2, UserUUID: `v${n}`, lastName: street })
    await ledger.apply(Array.from({ length: 6_000 }, (_, n) => row(n)))
    return { ledger, rowsFirst }
  }
  const leastBytes = 6_000 * 90

  test('goes into the file after each batch of a large first load, while the run goes on', async () => {
    const { file, open } = await fresh()
    const directory = await open()
    const { ledger, rowsFirst } = await apply(directory, 'run_1', enoughBeside)
    expect(rowsFirst).toBe(true)
    expect(statSync(file).size).toBeLessThan(leastBytes)
    await ledger.commit({ ...beginning, phase: 'settling' })
    await vi.waitFor(() => expect(statSync(file).size).toBeGreaterThan(leastBytes), 10_000)
    await ledger.settle(async () => undefined)
    await ledger.commit(done)
    await ledger.close()
    await directory.close()
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  test('goes into the file at the end of a run that stored many, before the directory is closed', async () => {
    const { file, open } = await fresh()
    const directory = await open()
    await importAll(directory, 'run_1', [ada])
    const { ledger, rowsFirst } = await apply(directory, 'run_2', enoughBeside)
    expect(rowsFirst).toBe(false)
    expect(statSync(file).size).toBeLessThan(leastBytes)
    await ledger.commit(done)
    await vi.waitFor(() => expect(statSync(file).size).toBeGreaterThan(leastBytes), 10_000)
    await ledger.close()
    await directory.close()
  })

  test('holds each index that was made before a kill, and what is missing is made by the next run', async () => {
    const { open, indexes, all } = await fresh()
    const directory = await open()
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    expect(ledger.expect(enoughBeside)).toBe(true)
    // Against what was promised: the index of the emails cannot be made, those before it are.
    await ledger.apply([importRow(ada), importRow({ ...bob, email: ada.email })])
    await ledger.commit({ ...beginning, phase: 'settling' })
    await expect(ledger.settle(async () => undefined)).rejects.toThrow('UNIQUE')
    await ledger.close()
    await directory.close()
    expect(await indexes()).toEqual(all.filter((sql) => !/email|username/.test(sql)))

    const again = await open()
    expect(await importAll(again, 'run_2', [bob])).toEqual({ 3: 'created' })
    expect(await indexes()).toEqual(all)
    expect(await usersOf(again)).toMatchObject([{ UserUUID: 'u2' }])
    await again.close()
  })
})
