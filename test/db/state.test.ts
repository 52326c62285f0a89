import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Drop, StateStore } from '../../src/domain/state.ts'
import { zeroCounts } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function withTenant(file = ':memory:'): Promise<StateStore> {
  const state = openState(file)
  await state.tenants.create({
    id: 'ten_a',
    name: 'Acme',
    settings: { ...defaultSettings },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: 1,
  })
  return state
}

const drop: Drop = {
  id: 'drp_1',
  tenantId: 'ten_a',
  path: 'drop/ten_a/users.csv',
  folder: '',
  filename: 'users.csv',
  sizeBytes: 10,
  sha256: null,
  source: 'sftp',
  actor: 'acme',
  committedAt: 5,
  readyAt: 7,
}

function run(id: string, changes: Partial<Run> = {}): Run {
  return {
    id,
    tenantId: 'ten_a',
    filename: 'users.csv',
    source: 'sftp',
    actor: null,
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'queued',
    counts: { ...zeroCounts },
    sizeBytes: 10,
    sha256: null,
    encoding: null,
    delimiter: null,
    columns: [],
    ignoredColumns: [],
    notices: [],
    fileReason: null,
    reasons: [],
    bytesRead: 0,
    rowsPerSecond: 0,
    createdAt: 1,
    startedAt: null,
    finishedAt: null,
    sourcePath: drop.path,
    archivedAt: null,
    reportPath: null,
    mail: 'none',
    version: 1,
    ...changes,
  }
}

describe('openState()', () => {
  test('keeps what was written over a close and an open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-'))
    folders.push(folder)
    const first = await withTenant(join(folder, 'state.db'))
    await first.runs.create(run('run_1'))
    await first.close()
    const second = openState(join(folder, 'state.db'))
    expect(await second.tenants.findByName('Acme')).toMatchObject({ id: 'ten_a' })
    expect(await second.runs.get('run_1')).toEqual(run('run_1'))
    await second.close()
  })

  test('drops.claim() exchanges a drop for a run exactly once', async () => {
    const state = await withTenant()
    await state.drops.record(drop)
    expect(await state.drops.readyTenants(6)).toEqual([])
    expect(await state.drops.readyTenants(7)).toEqual(['ten_a'])
    expect(await state.drops.claim(drop, run('run_1'))).toBe(true)
    expect(await state.drops.claim(drop, run('run_2'))).toBe(false)
    expect(await state.drops.list('ten_a')).toEqual([])
    expect((await state.runs.list({ limit: 10 })).map(({ id }) => id)).toEqual(['run_1'])
  })

  test('runs.update() adds one to the version and refuses an unknown id', async () => {
    const state = await withTenant()
    await state.runs.create(run('run_1'))
    expect(await state.runs.update('run_1', { state: 'parsing' })).toMatchObject({ version: 2 })
    expect(await state.runs.active()).toHaveLength(1)
    await expect(state.runs.update('run_9', { state: 'parsing' })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('runs.list() pages newest first and filters by state and name', async () => {
    const state = await withTenant()
    for (const n of [1, 2, 3]) {
      await state.runs.create(
        run(`run_${n}`, { filename: `Users-${n}.csv`, state: n === 2 ? 'failed' : 'queued' }),
      )
    }
    const ids = async (filter: object) =>
      (await state.runs.list({ limit: 10, ...filter })).map(({ id }) => id)
    expect(await ids({})).toEqual(['run_3', 'run_2', 'run_1'])
    expect(await ids({ before: 'run_3', limit: 1 })).toEqual(['run_2'])
    expect(await ids({ states: ['failed'] })).toEqual(['run_2'])
    expect(await ids({ filename: 'users-3' })).toEqual(['run_3'])
    expect(await ids({ tenantId: 'ten_b' })).toEqual([])
  })

  test('runs.perDay() adds up rows and failures of a day, without dry runs and other clients', async () => {
    const state = await withTenant()
    const acme = await state.tenants.findByName('Acme')
    if (acme === undefined) throw new Error('there is no Acme')
    await state.tenants.create({ ...acme, id: 'ten_b', name: 'Birch' })
    const noon = Date.parse('2026-01-31T12:00:00Z')
    const day = 86_400_000
    const counts = { ...zeroCounts, rows: 10, failed: 3 }
    await state.runs.create(run('run_1', { createdAt: noon - 9 * day, counts }))
    await state.runs.create(run('run_2', { createdAt: noon - day, counts }))
    await state.runs.create(run('run_3', { createdAt: noon, counts }))
    await state.runs.create(run('run_4', { createdAt: noon + 60_000, counts }))
    await state.runs.create(run('run_5', { createdAt: noon, counts, dryRun: true }))
    await state.runs.create(run('run_6', { createdAt: noon, counts, tenantId: 'ten_b' }))
    expect(await state.runs.perDay('ten_a', noon - 2 * day)).toEqual([
      { day: '2026-01-30', runs: 1, rows: 10, failed: 3 },
      { day: '2026-01-31', runs: 2, rows: 20, failed: 6 },
    ])
    await state.close()
  })

  test('tenants.update() refuses a change made on an old version', async () => {
    const state = await withTenant()
    const tenant = await state.tenants.get('ten_a')
    if (tenant === undefined) throw new Error('the tenant is gone')
    expect((await state.tenants.update({ ...tenant, name: 'Acme 2' })).settingsVersion).toBe(2)
    await expect(state.tenants.update({ ...tenant, name: 'Acme 3' })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await state.tenants.get('ten_a')).toMatchObject({ name: 'Acme 2', settingsVersion: 2 })
  })

  test('tenants.create() refuses a name in use', async () => {
    const state = await withTenant()
    const tenant = await state.tenants.get('ten_a')
    if (tenant === undefined) throw new Error('the tenant is gone')
    await expect(state.tenants.create({ ...tenant, id: 'ten_b' })).rejects.toMatchObject({
      code: 'exists',
    })
    expect(await state.tenants.list()).toHaveLength(1)
  })

  test('outbox.add() keeps the first mail of a run and kind', async () => {
    const state = await withTenant()
    const mail = {
      id: 'mai_1',
      tenantId: 'ten_a',
      runId: 'run_1',
      kind: 'failures',
      messageId: '<run_1.failures@x>',
      state: 'queued',
      attempts: 0,
      nextAttemptAt: 3,
      createdAt: 1,
      sentAt: null,
      lastAnswer: null,
      path: null,
      subject: null,
    } as const
    await state.outbox.add(mail)
    await state.outbox.update({ ...mail, state: 'sent', sentAt: 4 })
    await state.outbox.add({ ...mail, id: 'mai_2' })
    expect(await state.outbox.forRun('run_1')).toEqual([{ ...mail, state: 'sent', sentAt: 4 }])
    expect(await state.outbox.nextDueAt()).toBeUndefined()
  })

  test('exclusive() lets one at a time in for a tenant, also after one has thrown', async () => {
    const state = await withTenant()
    const seen: string[] = []
    const slow = (name: string) => async () => {
      seen.push(`${name} in`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      seen.push(`${name} out`)
      if (name === 'a') throw new Error('a fails')
    }
    const results = await Promise.allSettled([
      state.exclusive('ten_a', slow('a')),
      state.exclusive('ten_a', slow('b')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out'])
  })

  test('audit.append() is listed newest first', async () => {
    const state = await withTenant()
    const entry = {
      at: 1,
      tenantId: 'ten_a',
      event: 'OPEN',
      actor: 'acme',
      address: '127.0.0.1',
      protocol: 'sftp',
      clientVersion: null,
      path: '/users.csv',
      bytes: null,
      detail: null,
    } as const
    state.audit.append(entry)
    state.audit.append({ ...entry, event: 'CLOSE', bytes: 10 })
    const listed = await state.audit.list({ tenantId: 'ten_a', limit: 10 })
    expect(listed.map(({ event }) => event)).toEqual(['CLOSE', 'OPEN'])
  })
})
