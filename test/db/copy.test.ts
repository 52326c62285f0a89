import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyDatabase } from '../../src/db/copy/copy.ts'
import type { CopiedTable } from '../../src/db/copy/copy.ts'
import { openDirectories, openPostgres } from '../../src/db/postgres/open.ts'
import { stateTables } from '../../src/db/copy/tables.ts'
import { directoriesIn, openFolder, stateFileIn } from '../../src/db/sqlite/folder.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import {
  ada,
  bob,
  eve,
  fingerprintsOf,
  importAll,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'
import { dropOf, runOf } from './state-samples.ts'
import { delivery, webhook } from './webhooks-contract.ts'

const programs = postgresPrograms()

test('stateTables names every table of state.db', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-tables-'))
  await openFolder(folder).close()
  const db = new DatabaseSync(stateFileIn(folder), { readOnly: true })
  const names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
  db.close()
  rmSync(folder, { recursive: true })
  const stored = names.map(({ name }) => String(name)).filter((name) => !name.startsWith('sqlite_'))
  expect(stateTables.map(({ name }) => name).toSorted()).toEqual(stored.toSorted())
})

// No door lets one in any more. Deno's node:sqlite reads a text up to its NUL, and gives none.
const nul = 'deno' in process.versions ? '' : '\uFFFD'

describe.skipIf(programs === undefined)('copyDatabase()', () => {
  let cluster: Cluster
  const folders: string[] = []
  beforeAll(async () => {
    cluster = await startPostgres(programs ?? '')
  })
  afterAll(async () => {
    await cluster.remove()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** A folder with two tenants, runs, mails, an audit, and a directory with a history. */
  async function installation(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-copy-'))
    folders.push(folder)
    const source = openFolder(folder)
    const { state } = source
    for (const name of ['a', 'b']) {
      await state.tenants.create({
        id: `ten_${name}`,
        name: `Client "${name}" é\\n`,
        settings: { ...defaultSettings, archiveDays: 7 },
        settingsVersion: 3,
        userTypes: [{ id: '1', name: 'Student' }],
        loginSources: ['SSO'],
        createdAt: 1,
      })
    }
    await state.drops.record(dropOf({ id: 'drp_9', path: 'drop/ten_a/odd\tname.csv' }))
    await state.runs.create(runOf('run_1', { state: 'completed', finishedAt: 5, archivedAt: 6 }))
    await state.runs.create(
      runOf('run_2', { fileReason: { code: 9115, sentence: 'NUL \0, tab \t, line\nbreak' } }),
    )
    await state.webhooks.create({ ...webhook, tenantId: 'ten_a' })
    await state.webhooks.queue({ ...delivery, tenantId: 'ten_a', answer: 'odd \0' })
    state.audit.append({
      at: 1,
      tenantId: null,
      event: 'AUTH_FAILURE',
      actor: 'x\0y',
      address: '::1',
      protocol: 'sftp',
      clientVersion: null,
      path: null,
      bytes: null,
      detail: null,
    })
    await source.close()
    const directory = await directoriesIn(folder).open('ten_a')
    await importAll(directory, 'run_1', [
      { ...ada, hash: 11, password: 'longenough' },
      { ...bob, hash: 12, lastName: 'Tab\tand\\slash' },
    ])
    await importAll(directory, 'run_2', [
      { ...ada, firstName: 'Augusta', hash: 13 },
      { ...eve, email: bob.email, hash: 14 },
    ])
    await directory.close()
    return folder
  }

  test('brings all of it, again and again, and the copy goes on where the source was', async () => {
    const folder = await installation()
    const url = await cluster.database()
    const copied: CopiedTable[] = []
    const copy = () =>
      copyDatabase({ folder, url, hostKey: 'the key', onTable: (table) => copied.push(table) })
    await copy()
    const first = copied.splice(0)
    expect(first.find(({ table }) => table === 'users')).toMatchObject({
      tenantId: 'ten_a',
      rows: 2,
    })
    expect(first.find(({ table }) => table === 'failures')?.rows).toBe(1)
    await copy()
    expect(copied.map(({ table, rows }) => [table, rows])).toEqual(
      first.map(({ table, rows }) => [table, rows]),
    )

    const source = openFolder(folder)
    const target = await openPostgres(url)
    const [from, to] = [source.state, target.state]
    expect(await to.tenants.list()).toEqual(await from.tenants.list())
    expect(await to.drops.list('ten_a')).toEqual(await from.drops.list('ten_a'))
    expect(await to.runs.list({ limit: 9 })).toEqual(await from.runs.list({ limit: 9 }))
    expect(await to.webhooks.list('ten_a')).toEqual(await from.webhooks.list('ten_a'))
    expect(await to.webhooks.deliveries('whk_1', { limit: 9 })).toMatchObject([
      { id: 'msg_1', answer: `odd ${nul}` },
    ])
    expect(await to.runs.perDay('ten_a', 0)).toEqual(await from.runs.perDay('ten_a', 0))
    expect(await to.audit.list({ limit: 9 })).toMatchObject([{ seq: 1, actor: 'x\uFFFDy' }])
    to.audit.append({
      at: 2,
      tenantId: null,
      event: 'CONNECTED',
      actor: null,
      address: null,
      protocol: null,
      clientVersion: null,
      path: null,
      bytes: null,
      detail: null,
    })
    expect((await to.audit.list({ limit: 9 })).map(({ seq }) => seq)).toEqual([2, 1])
    expect(await target.secret?.('ssh_host_ed25519_key', () => 'another')).toBe('the key')

    const [reader, copyReader] = [
      await source.readDirectory('ten_a'),
      await target.readDirectory('ten_a'),
    ]
    if (reader === undefined || copyReader === undefined) throw new Error('no directory')
    expect(await usersOf(copyReader)).toEqual(await usersOf(reader))
    expect(await copyReader.failures('run_2', { limit: 9 })).toEqual(
      await reader.failures('run_2', { limit: 9 }),
    )
    expect(await copyReader.userChanges({ change: 0, id: 0 }, 9)).toEqual(
      await reader.userChanges({ change: 0, id: 0 }, 9),
    )
    await reader.close()
    await source.close()

    const directories = await openDirectories(url)
    const directory = await directories.open('ten_a')
    const ledger = await directory.begin(ledgerOptions('run_3'))
    expect(Object.keys(await fingerprintsOf(ledger))).toEqual(['12', '13'])
    ledger.plan(plan)
    await ledger.close()
    expect(await directory.revert('run_2', 'run_9', 77)).toEqual({ removed: 0, restored: 1 })
    expect((await usersOf(directory))[0]).toMatchObject({ UserUUID: 'u1', firstName: 'Ada' })
    await directories.close()
    await target.close()
  })

  test('refuses a database with clients of another installation, and changes nothing there', async () => {
    const url = await cluster.database()
    const other = await openPostgres(url)
    await other.state.tenants.create({
      id: 'ten_x',
      name: 'Other',
      settings: defaultSettings,
      settingsVersion: 1,
      userTypes: [],
      loginSources: [],
      createdAt: 1,
    })
    await other.close()
    const folder = await installation()
    await expect(
      copyDatabase({ folder, url, hostKey: undefined, onTable: () => undefined }),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Other') as string,
    })
    expect(cluster.sql(url, 'SELECT string_agg(name, $$,$$) FROM tenants')).toBe('Other')
    expect(cluster.sql(url, 'SELECT count(*) FROM users')).toBe('0')
  })
})
