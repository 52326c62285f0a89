import { setTimeout as pause } from 'node:timers/promises'
import { hash as bcrypt } from 'bcryptjs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Account, AccountKey } from '../../src/domain/account.ts'
import type { Admission } from '../../src/domain/drop.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { addClient, door, password, peer } from './door.ts'

// What open sessions learn of a change to their account; the doors' own tests show what they do then.

let state: StateStore
let account: Account
const limits = { rollCallMs: 20 }

beforeEach(async () => {
  state = openState(':memory:')
  account = await addClient(state, 'maple')
  await addClient(state, 'oak')
})
afterEach(() => state.close())

const laptop: AccountKey = { algorithm: 'ssh-ed25519', blob: 'AAAA1', comment: 'laptop' }
const server: AccountKey = { algorithm: 'ssh-rsa', blob: 'AAAA2', comment: 'server' }

/** Logs `name` in; what its connection is told. */
async function comeIn(
  name: string,
  login = (admission: Admission) => admission.loginWithPassword(name, password),
) {
  const admission = door({ state, files: memoryDriver().files, limits }).admit(peer())
  const told: string[] = []
  admission.onBarred((reason) => told.push(reason))
  return { told, session: await login(admission) }
}

describe('an open session', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['the account is disabled', () => state.accounts.update({ ...account, disabled: true })],
    [
      'the account has expired',
      () => state.accounts.update({ ...account, expiresAt: Date.now() + 50 }),
    ],
    ['the account was removed', () => state.accounts.remove(account.tenantId, account.id)],
    [
      'the account may not use SFTP',
      () => state.accounts.update({ ...account, protocols: ['ftps'] }),
    ],
    [
      'the account may not be used from this address',
      () => state.accounts.update({ ...account, allowedNetworks: ['192.0.2.0/24'] }),
    ],
    [
      'the password was changed',
      () => state.accounts.update({ ...account, passwordHash: '$argon2id$another' }),
    ],
    [
      'the password was changed',
      () => state.accounts.update({ ...account, passwordHash: null, keys: [laptop] }),
    ],
  ])('is told when %s, and that of another account is not', async (reason, change) => {
    const maple = await comeIn('maple')
    const oak = await comeIn('oak')
    await pause(50)
    expect(maple.told).toEqual([])
    await change()
    while (maple.told.length === 0) await pause(5)
    expect(maple.told[0]).toBe(reason)
    expect(oak.told).toEqual([])
    await Promise.all([maple.session.end('over'), oak.session.end('over')])
  })

  test('is told nothing of what leaves it its rights, nor after its end', async () => {
    const { told, session } = await comeIn('maple')
    await state.accounts.update({
      ...account,
      name: 'acer',
      allowedNetworks: ['127.0.0.0/8'],
      expiresAt: Date.now() + 60_000,
      keys: [laptop],
    })
    await pause(60)
    await session.end('over')
    await state.accounts.remove(account.tenantId, account.id)
    await pause(60)
    expect(told).toEqual([])
  })

  test('by a key is told when that key is removed, not by what happens to others or the password', async () => {
    await state.accounts.update({ ...account, keys: [laptop, server] })
    const { told, session } = await comeIn('maple', (admission) =>
      admission.loginWithKey('maple', 'rsa-sha2-512', server.blob),
    )
    await state.accounts.update({ ...account, keys: [server], passwordHash: null })
    await pause(60)
    expect(told).toEqual([])
    await state.accounts.update({ ...account, keys: [laptop], passwordHash: null })
    while (told.length === 0) await pause(5)
    expect(told[0]).toBe('the key was removed')
    await session.end('over')
  })

  test('outlives its hash being made anew by its own login, or by one at the same time', async () => {
    await state.accounts.update({ ...account, passwordHash: await bcrypt(password, 4) })
    const both = await Promise.all([comeIn('maple'), comeIn('maple')])
    const [renewed] = await state.accounts.list(account.tenantId)
    expect(renewed?.passwordHash).toMatch(/^\$argon2id\$/)
    await pause(60)
    expect(both.map(({ told }) => told)).toEqual([[], []])
    for (const { session } of both) await session.end('over')
  })

  test('goes on while the database does not answer', async () => {
    const { told, session } = await comeIn('maple')
    const silence = vi.spyOn(state.accounts, 'among').mockRejectedValue(new Error('it is gone'))
    await expect.poll(() => silence.mock.calls.length).toBeGreaterThan(2)
    expect(told).toEqual([])
    silence.mockRestore()
    await state.accounts.update({ ...account, disabled: true })
    while (told.length === 0) await pause(5)
    await session.end('over')
  })
})
