import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Account } from '../../src/domain/account.ts'
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

/** Logs `name` in; what its connection is told. */
async function comeIn(name: string) {
  const admission = door({ state, files: memoryDriver().files, limits }).admit(peer())
  const told: string[] = []
  admission.onBarred((reason) => told.push(reason))
  const session = await admission.loginWithPassword(name, password)
  return { told, session }
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
    })
    await pause(60)
    await session.end('over')
    await state.accounts.remove(account.tenantId, account.id)
    await pause(60)
    expect(told).toEqual([])
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
