import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openDirectory, openDirectoryReader } from '../../src/db/sqlite/directory.ts'
import { enterNames } from '../../src/db/sqlite/directory-names.ts'
import { inTransaction, openSqlite } from '../../src/db/sqlite/open.ts'
import { rowsContract } from './directory-rows-contract.ts'
import { importAll, usersOf } from './directory-rows.ts'
import { failedBeforeContract } from './failed-before-contract.ts'
import { runsContract } from './directory-runs-contract.ts'
import { sightingsContract } from './sightings-contract.ts'
import { usersContract } from './users-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-directory-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fileOf = (tenantId: string): string => join(folder, `${tenantId}.db`)

const open = async (tenantId: string) => openDirectory({ file: fileOf(tenantId), tenantId })

rowsContract('SQLite', open)
runsContract('SQLite', open)
sightingsContract('SQLite', open)
usersContract('SQLite', open)
failedBeforeContract('SQLite', open)

describe('openDirectory()', () => {
  test('refuses the file of another tenant', () => {
    openDirectory({ file: fileOf('ten_own'), tenantId: 'ten_own' })
    expect(() => openDirectory({ file: fileOf('ten_own'), tenantId: 'ten_other' })).toThrow(
      'belongs to another tenant',
    )
  })
})

describe('enterNames()', () => {
  test('enters a few commits at a time, and who writes to the directory gets in between', async () => {
    const file = fileOf('ten_names')
    const directory = openDirectory({ file, tenantId: 'ten_names' })
    for (const n of [1, 2, 3]) {
      await importAll(directory, `run_${n}`, [{ line: 2, UserUUID: `u${n}`, lastName: `Roy${n}` }])
    }
    const [db, other] = [openSqlite(file, 'directory'), openSqlite(file, 'directory')]
    const entered = (): unknown => other.prepare('SELECT count(*) AS n FROM names').get()?.['n']
    const naming = enterNames(db, 1)
    other.exec('PRAGMA busy_timeout = 0')
    expect(inTransaction(other, entered)).toBe(1)
    await naming
    expect(entered()).toBe(3)
    db.close()
    other.close()
    await directory.close()
  })
})

describe('openDirectoryReader()', () => {
  test('gives nothing for a directory that is not there, and makes none', () => {
    expect(openDirectoryReader(fileOf('ten_none'))).toBeUndefined()
    expect(openDirectoryReader(fileOf('ten_none'))).toBeUndefined()
  })

  test('reads beside an open ledger what is committed', async () => {
    const directory = openDirectory({ file: fileOf('ten_beside'), tenantId: 'ten_beside' })
    await importAll(directory, 'run_1', [{ line: 2, UserUUID: 'u1' }])
    const reader = openDirectoryReader(fileOf('ten_beside'))
    if (reader === undefined) throw new Error('there is no directory')
    expect(await usersOf(reader)).toMatchObject([{ UserUUID: 'u1' }])
    await reader.close()
    await directory.close()
  })
})
