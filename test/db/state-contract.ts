import { describe, expect, test } from 'vitest'
import type { Account, Token } from '../../src/domain/account.ts'
import { drop, runOf, tenantOpener } from './state-samples.ts'
import type { OpenState } from './state-samples.ts'

/** What every state store must do; of its runs, `runs-contract.ts`. */
export function stateContract(name: string, openNamed: OpenState): void {
  const withTenant = tenantOpener(openNamed, 'state')

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

    test('audit.append() keeps what stands behind a NUL, as in a name that a peer made up', async () => {
      const state = await withTenant()
      state.audit.append({
        at: 1,
        tenantId: 'ten_a',
        event: 'AUTH_FAILURE',
        actor: 'x\0y',
        address: '::1',
        protocol: 'sftp',
        clientVersion: 'SSH-2.0-\0odd',
        path: null,
        bytes: null,
        detail: null,
      })
      expect(await state.audit.list({ tenantId: 'ten_a', limit: 10 })).toMatchObject([
        { actor: 'x\uFFFDy', clientVersion: 'SSH-2.0-\uFFFDodd', path: null },
      ])
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
