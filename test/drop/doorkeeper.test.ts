import { beforeEach, describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { isNetwork, networkSet, sourceOf } from '../../src/drop/network.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { addClient, door, loggedIn, password, peer } from './door.ts'

let state: StateStore
beforeEach(async () => {
  state = openState(':memory:')
})

const files = memoryDriver().files
const key = { algorithm: 'ssh-ed25519', blob: 'AAAAC3Nz', comment: '' }

describe('createDoorkeeper()', () => {
  test('lets the right password in, and refuses wrong names and passwords alike', async () => {
    await addClient(state, 'maple')
    const keeper = door({ state, files })
    expect((await loggedIn(keeper, 'maple')).tenantId).toBe('ten_maple')
    const admission = keeper.admit(peer())
    const texts = []
    for (const [name, given] of [
      ['maple', 'wrong'],
      ['nobody', password],
    ] as const) {
      const error: unknown = await admission.loginWithPassword(name, given).catch((e: unknown) => e)
      expect(error).toMatchObject({ code: 'unauthenticated' })
      texts.push(String(error))
    }
    expect(new Set(texts).size).toBe(1)
    await expect(admission.loginWithPassword('maple', 'wrong')).rejects.toMatchObject({
      code: 'too_many',
    })
    const audit = await state.audit.list({ limit: 10 })
    expect(audit.map(({ event }) => event)).toEqual([
      'AUTH_FAILURE',
      'AUTH_FAILURE',
      'AUTH_FAILURE',
      'CONNECTED',
    ])
  })

  test.each([
    ['disabled', { disabled: true }],
    ['expired', { expiresAt: 1 }],
    ['for the other protocol only', { protocols: ['ftps' as const] }],
    ['for another network only', { allowedNetworks: ['10.0.0.0/8', '2001:db8::/32'] }],
    ['without a password', { passwordHash: null }],
  ])('refuses an account that is %s', async (_, changes) => {
    await addClient(state, 'maple', changes)
    const admission = door({ state, files }).admit(peer())
    await expect(admission.loginWithPassword('maple', password)).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })

  test('lets any of the keys of an account in, and a wrong key costs no penalty', async () => {
    await addClient(state, 'maple', { keys: [{ ...key, blob: 'other' }, key] })
    const keeper = door({ state, files })
    const admission = keeper.admit(peer())
    expect(await admission.acceptsKey('maple', key.algorithm, 'unknown')).toBe(false)
    await expect(admission.loginWithKey('maple', key.algorithm, 'unknown')).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    expect(keeper.penalties.list()).toEqual([])
    expect(await admission.acceptsKey('maple', key.algorithm, key.blob)).toBe(true)
    const session = await admission.loginWithKey('maple', key.algorithm, key.blob)
    expect(session.accountName).toBe('maple')
  })

  test('keeps an address out after some failures, and lets it in when the penalty is lifted', async () => {
    await addClient(state, 'maple')
    const keeper = door({ state, files })
    for (let n = 0; n < 4; n += 1) {
      const admission = keeper.admit(peer('192.0.2.1'))
      await admission.loginWithPassword('maple', 'wrong').catch(() => undefined)
      admission.close()
    }
    expect(() => keeper.admit(peer('192.0.2.1'))).toThrow(/too many failed logins/)
    expect(() => keeper.admit(peer('192.0.2.2'))).not.toThrow()
    expect(keeper.penalties.list()).toMatchObject([{ source: '192.0.2.1', enforced: true }])
    expect(keeper.penalties.lift('192.0.2.1')).toBe(true)
    expect(() => keeper.admit(peer('192.0.2.1'))).not.toThrow()
  })

  test('bounds connections of an address and sessions of an account', async () => {
    await addClient(state, 'maple')
    const limits = { connectionsPerAddress: 3, sessionsPerAccount: 1, startupsBegin: 1_000 }
    const keeper = door({ state, files, limits })
    const first = keeper.admit(peer())
    const session = await first.loginWithPassword('maple', password)
    const second = keeper.admit(peer())
    await expect(second.loginWithPassword('maple', password)).rejects.toMatchObject({
      code: 'too_many',
    })
    await session.end('done')
    await session.end('done')
    expect((await second.loginWithPassword('maple', password)).accountName).toBe('maple')
    keeper.admit(peer())
    expect(() => keeper.admit(peer())).toThrow(/too many connections from this address/)
    first.close()
    first.close()
    expect(() => keeper.admit(peer())).not.toThrow()
    expect(() => keeper.admit(peer())).toThrow(/too many connections/)
  })

  test('refuses all that have not logged in beyond the most, and some before', () => {
    const limits = { startupsBegin: 5, startupsFull: 10, connectionsPerAddress: 1_000 }
    const keeper = door({ state, files, limits })
    let admitted = 0
    for (let n = 0; n < 200; n += 1) {
      try {
        keeper.admit(peer(`192.0.2.${n}`))
        admitted += 1
      } catch {
        // Refused.
      }
    }
    expect(admitted).toBeGreaterThanOrEqual(5)
    expect(admitted).toBeLessThanOrEqual(10)
  })
})

describe('sourceOf()', () => {
  test('takes an IPv4 address whole and an IPv6 address by its /64', () => {
    expect(sourceOf('192.0.2.1')).toBe('192.0.2.1')
    expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('2001:DB8:1:2::9')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('::1')).toBe('0:0:0:0::/64')
    expect(sourceOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(sourceOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  })
})

describe('networkSet()', () => {
  test('holds addresses and networks of both families, and nothing by mistake', () => {
    const isIn = networkSet(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32', 'nonsense', '1.2.3.0/99'])
    for (const address of ['192.0.2.7', '10.9.8.7', '::ffff:10.9.8.7', '2001:db8:1::5']) {
      expect([address, isIn(address)]).toEqual([address, true])
    }
    for (const address of ['192.0.2.8', '11.0.0.1', '2001:db9::1', '1.2.3.4', '', 'nonsense']) {
      expect([address, isIn(address)]).toEqual([address, false])
    }
  })

  test('isNetwork() tells what can be used', () => {
    for (const text of ['192.0.2.7', '10.0.0.0/8', '::/0', '2001:db8::/32']) {
      expect([text, isNetwork(text)]).toEqual([text, true])
    }
    for (const text of [
      '',
      '10.0.0.0/33',
      '10.0.0.0/8/8',
      '10.0.0/8',
      '::/129',
      'a/8',
      '1.2.3.4/',
    ]) {
      expect([text, isNetwork(text)]).toEqual([text, false])
    }
  })
})
