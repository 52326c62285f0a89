import { describe, expect, test } from 'vitest'
import type { Account, Token } from '../../src/domain/account.ts'
import type { Drop, StateStore } from '../../src/domain/state.ts'
import { zeroCounts } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

/** Opens the database of this name: an empty one the first time, the same one after a close. */
export type OpenState = (name: string) => Promise<StateStore>

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

/** A drop with `changes`. */
export const dropOf = (changes: Partial<Drop>): Drop => ({ ...drop, ...changes })

/** A run with `changes`. */
export function runOf(id: string, changes: Partial<Run> = {}): Run {
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

/** What every state store must do. */
export function stateContract(name: string, openNamed: OpenState): void {
  let opened = 0

  async function withTenant(database?: string): Promise<StateStore> {
    opened += 1
    const state = await openNamed(database ?? `state_${opened}`)
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

  describe(`the state contract: ${name}`, () => {
    test('keeps what was written over a close and an open', async () => {
      const first = await withTenant('kept')
      await first.runs.create(runOf('run_1'))
      await first.close()
      const second = await openNamed('kept')
      expect(await second.tenants.findByName('Acme')).toMatchObject({ id: 'ten_a' })
      expect(await second.runs.get('run_1')).toEqual(runOf('run_1'))
      await second.close()
    })

    test('drops.claim() exchanges a drop for a run exactly once', async () => {
      const state = await withTenant()
      await state.drops.record(drop)
      expect(await state.drops.readyTenants(6)).toEqual([])
      expect(await state.drops.readyTenants(7)).toEqual(['ten_a'])
      expect(await state.drops.claim(drop, runOf('run_1'))).toBe(true)
      expect(await state.drops.claim(drop, runOf('run_2'))).toBe(false)
      expect(await state.drops.list('ten_a')).toEqual([])
      expect((await state.runs.list({ limit: 10 })).map(({ id }) => id)).toEqual(['run_1'])
    })

    test('runs.update() adds one to the version and refuses an unknown id', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      expect(await state.runs.update('run_1', { state: 'parsing' })).toMatchObject({ version: 2 })
      expect(await state.runs.active()).toHaveLength(1)
      await expect(state.runs.update('run_9', { state: 'parsing' })).rejects.toMatchObject({
        code: 'not_found',
      })
    })

    test('runs.progress() is seen at once, and what is updated after it holds both', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      const counts = { ...zeroCounts, rows: 9, created: 9 }
      const shown = { state: 'applying', counts, bytesRead: 90, rowsPerSecond: 5 } as const
      expect(await state.runs.progress('run_1', shown)).toMatchObject({ ...shown, version: 2 })
      expect(await state.runs.get('run_1')).toMatchObject({ ...shown, version: 2 })
      await state.runs.update('run_1', { encoding: 'utf-8' })
      expect(await state.runs.get('run_1')).toMatchObject({ ...shown, encoding: 'utf-8' })
      await expect(state.runs.progress('run_9', shown)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('runs.list() pages newest first and filters by state and name', async () => {
      const state = await withTenant()
      for (const n of [1, 2, 3]) {
        await state.runs.create(
          runOf(`run_${n}`, { filename: `Users-${n}.csv`, state: n === 2 ? 'failed' : 'queued' }),
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
      await state.runs.create(runOf('run_1', { createdAt: noon - 9 * day, counts }))
      await state.runs.create(runOf('run_2', { createdAt: noon - day, counts }))
      await state.runs.create(runOf('run_3', { createdAt: noon, counts }))
      await state.runs.create(runOf('run_4', { createdAt: noon + 60_000, counts }))
      await state.runs.create(runOf('run_5', { createdAt: noon, counts, dryRun: true }))
      await state.runs.create(runOf('run_6', { createdAt: noon, counts, tenantId: 'ten_b' }))
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

    test('drops.claim() of many at once lets one through', async () => {
      const state = await withTenant()
      await state.drops.record(drop)
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, n) => state.drops.claim(drop, runOf(`run_${n}`))),
      )
      expect(claims.filter(Boolean)).toHaveLength(1)
      expect(await state.runs.list({ limit: 10 })).toHaveLength(1)
    })

    test('drops.findAt() finds by the exact path, however long', async () => {
      const state = await withTenant()
      const path = `drop/ten_a/${'n'.repeat(250)}/${'m'.repeat(251)}.csv`
      await state.drops.record({ ...drop, path })
      expect(await state.drops.findAt('ten_a', path)).toMatchObject({ id: 'drp_1', path })
      expect(await state.drops.findAt('ten_a', path.toUpperCase())).toBeUndefined()
      await state.drops.update({ ...drop, path: 'aside', readyAt: 0 })
      expect(await state.drops.findAt('ten_a', path)).toBeUndefined()
      expect(await state.drops.nextReadyAt()).toBe(0)
      await state.drops.remove('ten_a', 'drp_1')
      expect(await state.drops.nextReadyAt()).toBeUndefined()
    })

    test('runs.update() at the same time keeps every change', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      await Promise.all(
        Array.from({ length: 10 }, async (_, n) =>
          state.runs.update('run_1', n % 2 === 0 ? { bytesRead: n } : { reportPath: `r${n}` }),
        ),
      )
      const updated = await state.runs.get('run_1')
      expect(updated?.version).toBe(11)
      expect(updated?.bytesRead).toBeGreaterThan(-1)
      expect(updated?.reportPath).toMatch(/^r[13579]$/)
    })

    test('runs keep texts with every character', async () => {
      const state = await withTenant()
      const odd = runOf('run_1', {
        filename: 'a\\u0000"\'é日本.csv',
        fileReason: { code: 9115, sentence: 'NUL \0 and \ud800' },
      })
      await state.runs.create(odd)
      expect(await state.runs.get('run_1')).toEqual(odd)
      expect(await state.runs.perDay('ten_a', 0)).toMatchObject([{ runs: 1 }])
    })

    test('runs.unarchived() and runs.lastImported() choose by state and time', async () => {
      const state = await withTenant()
      const ended = { finishedAt: 5, archivedAt: 6 }
      await state.runs.create(runOf('run_1', { state: 'completed', ...ended }))
      await state.runs.create(runOf('run_2', { state: 'completed_with_failures', finishedAt: 9 }))
      await state.runs.create(
        runOf('run_3', { state: 'completed', ...ended, finishedAt: 20, dryRun: true }),
      )
      await state.runs.create(runOf('run_4', { state: 'held' }))
      await state.runs.create(runOf('run_5', { state: 'applying' }))
      expect((await state.runs.unarchived()).map(({ id }) => id)).toEqual(['run_2'])
      expect((await state.runs.lastImported('ten_a'))?.id).toBe('run_2')
      expect(await state.runs.lastImported('ten_b')).toBeUndefined()
    })

    test('accounts are found by name, changed, rehashed once and removed', async () => {
      const state = await withTenant()
      const account = {
        id: 'acc_1',
        tenantId: 'ten_a',
        name: 'acme',
        passwordHash: 'h1',
        keys: [],
        protocols: ['sftp'],
        allowedNetworks: ['10.0.0.0/8'],
        expiresAt: null,
        disabled: false,
        createdAt: 1,
        lastLoginAt: null,
      } satisfies Account
      await state.accounts.create(account)
      await expect(state.accounts.create({ ...account, id: 'acc_2' })).rejects.toMatchObject({
        code: 'exists',
      })
      expect(await state.accounts.findByName('acme')).toEqual(account)
      await state.accounts.touch('acc_1', 77)
      expect(await state.accounts.rehash('acc_1', 'h1', 'h2')).toBe(true)
      expect(await state.accounts.rehash('acc_1', 'h1', 'h3')).toBe(false)
      const changed = { ...account, passwordHash: 'h2', lastLoginAt: 77, disabled: true }
      await state.accounts.update(changed)
      expect(await state.accounts.list('ten_a')).toEqual([changed])
      expect(await state.accounts.among(['acc_1', 'acc_2'])).toEqual([changed])
      expect(await state.accounts.among([])).toEqual([])
      expect(await state.accounts.remove('ten_b', 'acc_1')).toBe(false)
      expect(await state.accounts.remove('ten_a', 'acc_1')).toBe(true)
      expect(await state.accounts.get('ten_a', 'acc_1')).toBeUndefined()
    })

    test('tokens are found by their hashes and listed by tenant, operators apart', async () => {
      const state = await withTenant()
      const token = {
        id: 'tok_1',
        tenantId: null,
        scope: 'operator',
        name: 'first',
        hash: 'a1',
        createdAt: 1,
        expiresAt: null,
        lastUsedAt: null,
        revokedAt: null,
      } satisfies Token
      await state.tokens.create(token)
      await state.tokens.create({
        ...token,
        id: 'tok_2',
        hash: 'a2',
        scope: 'tenant',
        tenantId: 'ten_a',
      })
      await state.tokens.update({ ...token, revokedAt: 9 })
      expect(await state.tokens.findByHash('a1')).toEqual({ ...token, revokedAt: 9 })
      expect(await state.tokens.findByHash('a3')).toBeUndefined()
      expect((await state.tokens.list(null)).map(({ id }) => id)).toEqual(['tok_1'])
      expect((await state.tokens.list('ten_a')).map(({ id }) => id)).toEqual(['tok_2'])
    })

    test('outbox.due() gives what is due, oldest first', async () => {
      const state = await withTenant()
      const mail = (n: number, nextAttemptAt: number) =>
        ({
          id: `mai_${n}`,
          tenantId: 'ten_a',
          runId: `run_${n}`,
          kind: 'failures',
          messageId: `<${n}@x>`,
          state: 'queued',
          attempts: 0,
          nextAttemptAt,
          createdAt: 1,
          sentAt: null,
          lastAnswer: null,
          path: null,
          subject: null,
        }) as const
      for (const [n, at] of [
        [1, 30],
        [2, 10],
        [3, 20],
      ] as const)
        await state.outbox.add(mail(n, at))
      expect((await state.outbox.due(20, 10)).map(({ id }) => id)).toEqual(['mai_2', 'mai_3'])
      expect(await state.outbox.nextDueAt()).toBe(10)
      expect((await state.outbox.list('ten_a', 2)).map(({ id }) => id)).toEqual(['mai_3', 'mai_2'])
      expect(await state.outbox.get('mai_9')).toBeUndefined()
    })

    test('own() is for one at a time, until it is let go', async () => {
      const state = await withTenant()
      const release = await state.own('ten_a')
      expect(release).toBeDefined()
      expect(await state.own('ten_b')).toBeDefined()
      expect(await state.own('ten_a')).toBeUndefined()
      await release?.()
      expect(await state.own('ten_a')).toBeDefined()
    })
  })
}
