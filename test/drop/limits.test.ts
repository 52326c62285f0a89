import { beforeEach, describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { dropPath, generationPath } from '../../src/domain/layout.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { defaultLimits } from '../../src/drop/limits.ts'
import { createNameDelays } from '../../src/drop/name-delay.ts'
import { createPenalties } from '../../src/drop/penalty.ts'
import { createTurns } from '../../src/drop/turns.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { store } from '../storage/contract.ts'
import { addClient, door, loggedIn, password, peer } from './door.ts'

let state: StateStore
let files: FileStore
beforeEach(() => {
  state = openState(':memory:')
  files = memoryDriver().files
})

/** A clock that stands still until it is told. */
function stoppedClock(): Clock & { passes: (milliseconds: number) => void } {
  let now = 1_000_000
  return {
    now: () => now,
    random: (length) => new Uint8Array(length),
    passes(milliseconds) {
      now += milliseconds
    },
  }
}
const bytes = (length: number): Uint8Array => new Uint8Array(length)

describe('createPenalties()', () => {
  function guess(count: number) {
    const clock = stoppedClock()
    const penalties = createPenalties({ clock, limits: defaultLimits })
    for (let n = 0; n < count; n += 1) penalties.add('192.0.2.1')
    return { clock, penalties }
  }

  test('adds 5 s a failure and keeps out from 15 s on, to the end', () => {
    expect(guess(2).penalties.waitMs('192.0.2.1')).toBe(0)
    const { clock, penalties } = guess(3)
    expect(penalties.waitMs('192.0.2.1')).toBe(15_000)
    clock.passes(14_999)
    expect(penalties.waitMs('192.0.2.1')).toBe(1)
    clock.passes(1)
    expect(penalties.waitMs('192.0.2.1')).toBe(0)
    expect(penalties.list()).toEqual([])
  })

  test('keeps nobody out for more than 10 minutes', () => {
    expect(guess(1_000).penalties.waitMs('192.0.2.1')).toBe(600_000)
  })

  test('takes the /64 of an IPv6 peer for one address, and its neighbours for others', () => {
    const { penalties } = guess(0)
    for (const host of ['1', '2', 'ffff:1']) penalties.add(`2001:db8:0:7::${host}`)
    expect(penalties.waitMs('2001:db8:0:7::beef')).toBe(15_000)
    expect(penalties.waitMs('2001:db8:0:8::1')).toBe(0)
    expect(penalties.list()).toMatchObject([{ source: '2001:db8:0:7::/64', enforced: true }])
    expect(penalties.lift('2001:db8:0:7::beef')).toBe(true)
    expect(penalties.list()).toEqual([])
    expect(penalties.lift('2001:db8:0:7::/64')).toBe(false)
  })

  test('remembers 65,536 addresses, and forgets the oldest beyond', () => {
    const { penalties } = guess(3)
    for (let n = 0; n < 65_536; n += 1) {
      penalties.add(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
    }
    expect(penalties.list()).toHaveLength(65_536)
    expect(penalties.waitMs('192.0.2.1')).toBe(0)
  })
})

describe('createNameDelays()', () => {
  test('slows a name down after 10 failures, by up to 30 s, and forgets in time', () => {
    const clock = stoppedClock()
    const names = createNameDelays({ clock, limits: defaultLimits })
    for (let n = 0; n < 10; n += 1) names.failed('maple')
    expect(names.delayMs('maple')).toBe(0)
    names.failed('maple')
    expect(names.delayMs('maple')).toBe(1_000)
    for (let n = 0; n < 500; n += 1) names.failed('maple')
    expect(names.delayMs('maple')).toBe(30_000)
    expect(names.delayMs('oak')).toBe(0)
    clock.passes(501 * 10_000)
    expect(names.delayMs('maple')).toBe(0)
  })
})

describe('createTurns()', () => {
  test('never runs more at once than it may, and all in their order', async () => {
    const inTurn = createTurns(defaultLimits.hashes)
    let running = 0
    let most = 0
    const order: number[] = []
    const work = Array.from({ length: 9 }, (_, n) =>
      inTurn(async () => {
        running += 1
        most = Math.max(most, running)
        order.push(n)
        await new Promise((resolve) => setTimeout(resolve, 1))
        running -= 1
        if (n === 3) throw new Error('one fails')
        return n
      }),
    )
    const ends = await Promise.allSettled(work)
    expect(most).toBe(2)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(ends.map(({ status }) => status === 'rejected')).toEqual(order.map((n) => n === 3))
  })
})

describe('the door with the limits that it ships with', () => {
  const shipped = { refusalDelayMs: defaultLimits.refusalDelayMs }

  test('answers a wrong password, and an unknown name, after a second', async () => {
    await addClient(state, 'maple')
    const admission = door({ state, files, limits: shipped }).admit(peer())
    for (const name of ['maple', 'nobody']) {
      const asked = performance.now()
      await expect(admission.loginWithPassword(name, 'wrong')).rejects.toMatchObject({
        code: 'unauthenticated',
      })
      expect(performance.now() - asked).toBeGreaterThan(990)
    }
  })

  test('gives nobody a lock on an account: who knows the password gets in, slower', async () => {
    await addClient(state, 'maple', {
      keys: [{ algorithm: 'ssh-ed25519', blob: 'A', comment: '' }],
    })
    const limits = { nameForgiven: 3, nameStepMs: 100, nameMostMs: 2_000, startupsFull: 1_000 }
    const keeper = door({ state, files, limits })
    await loggedIn(keeper, 'maple').then((session) => session.end('done'))
    const guesses = Array.from({ length: 30 }, (_, n) => {
      const admission = keeper.admit(peer(`192.0.2.${n}`))
      return admission.loginWithPassword('maple', 'wrong').finally(() => admission.close())
    })
    await Promise.allSettled(guesses)
    const order: string[] = []
    const stranger = keeper.admit(peer('198.51.100.1')).loginWithPassword('maple', password)
    const begun = performance.now()
    void stranger.then(() => order.push('stranger'))
    // From where it has logged in before, and by key, nobody waits for what others guess.
    await loggedIn(keeper, 'maple').then(() => order.push('known address'))
    const byKey = keeper.admit(peer('198.51.100.2'))
    await byKey.loginWithKey('maple', 'ssh-ed25519', 'A').then(() => order.push('key'))
    expect((await stranger).accountName).toBe('maple')
    expect(order).toEqual(['known address', 'key', 'stranger'])
    expect(performance.now() - begun).toBeGreaterThan(1_900)
  })

  test('keeps 20 of 1,500 silent connections of one address, and lets everyone else in', async () => {
    await addClient(state, 'maple')
    const keeper = door({ state, files })
    const admitted = []
    for (let n = 0; n < 1_500; n += 1) {
      try {
        admitted.push(keeper.admit(peer('192.0.2.1')))
      } catch (error) {
        expect(error).toMatchObject({ code: 'too_many' })
      }
    }
    expect(admitted.length).toBeGreaterThanOrEqual(10)
    expect(admitted.length).toBeLessThanOrEqual(20)
    for (let n = 0; n < 50; n += 1) {
      const admission = keeper.admit(peer(`198.51.100.${n}`))
      await (await admission.loginWithPassword('maple', password)).end('done')
      admission.close()
    }
  })

  test('drops early from 10 connections that have not logged in, and all from 100 on', () => {
    const keeper = door({ state, files })
    let refused = 0
    for (let n = 0; n < 400; n += 1) {
      try {
        // Two of each address: the first of them is let in while there is room.
        keeper.admit(peer(`10.0.${n >> 1}.1`))
      } catch {
        refused += 1
      }
    }
    expect(400 - refused).toBe(100)
    expect(() => keeper.admit(peer('198.51.100.1'))).toThrow(/have not logged in/)
  })

  test('lets 8 sessions of an account in, says so to the ninth, and the audit has it', async () => {
    await addClient(state, 'maple')
    const keeper = door({ state, files })
    for (let n = 0; n < 8; n += 1) await loggedIn(keeper, 'maple')
    await expect(loggedIn(keeper, 'maple')).rejects.toMatchObject({ code: 'too_many' })
    const [refusal] = await state.audit.list({ limit: 1 })
    expect(refusal).toMatchObject({
      event: 'AUTH_FAILURE',
      actor: 'maple',
      detail: 'password, too many sessions',
    })
  })

  test('has no limit and no penalty for an address on the allow list', async () => {
    await addClient(state, 'maple')
    const keeper = door({ state, files, allowList: ['192.0.2.0/24'] })
    for (let n = 0; n < 200; n += 1) keeper.admit(peer(`192.0.2.${n}`))
    for (let n = 0; n < 6; n += 1) {
      const admission = keeper.admit(peer('192.0.2.1'))
      await admission.loginWithPassword('maple', 'wrong').catch(() => undefined)
    }
    expect(keeper.penalties.list()).toEqual([])
    expect(() => keeper.admit(peer('192.0.2.1'))).not.toThrow()
  })

  test('lengthens no penalty by a login with a key, right or wrong', async () => {
    const key = { algorithm: 'ssh-ed25519', blob: 'right', comment: '' }
    await addClient(state, 'maple', { keys: [key] })
    const keeper = door({ state, files })
    const guesser = keeper.admit(peer())
    await guesser.loginWithPassword('maple', 'wrong').catch(() => undefined)
    const before = keeper.penalties.list()
    expect(before).toHaveLength(1)
    const admission = keeper.admit(peer())
    for (let n = 0; n < 10; n += 1) {
      expect(await admission.acceptsKey('maple', key.algorithm, `other${n}`)).toBe(false)
      await admission.loginWithKey('maple', key.algorithm, `other${n}`).catch(() => undefined)
    }
    await admission.loginWithKey('maple', key.algorithm, key.blob)
    expect(keeper.penalties.list()).toEqual(before)
  })
})

describe('the share of one client', () => {
  test('counts files that are there, that are under way, and that wait for their import', async () => {
    await addClient(state, 'maple')
    const session = await loggedIn(door({ state, files, limits: { files: 4 } }), 'maple')
    const put = async (path: string) => session.openWrite(path, { disposition: 'replace' })
    await (await put('/users.csv')).commit()
    await (await put('/users.csv')).commit()
    expect(await files.list(generationPath('ten_maple', '').slice(0, -1))).toHaveLength(1)
    const [third, fourth] = [await put('/3.csv'), await put('/4.csv')]
    await expect(put('/5.csv')).rejects.toMatchObject({ code: 'too_many' })
    await third.cut('gone')
    await fourth.commit()
    await (await put('/5.csv')).commit()
    await expect(put('/6.csv')).rejects.toMatchObject({ code: 'too_many' })
    await session.remove('/5.csv')
    await (await put('/6.csv')).commit()
  })

  test('is not passed by several uploads at once, and what is refused is not written', async () => {
    await addClient(state, 'maple')
    const limits = { clientBytes: 1_000, freeBytes: 0 }
    const session = await loggedIn(door({ state, files, limits }), 'maple')
    const one = await session.openWrite('/1.csv', { disposition: 'replace' })
    const two = await session.openWrite('/2.csv', { disposition: 'replace' })
    await one.write(0, bytes(600))
    await expect(two.write(0, bytes(401))).rejects.toMatchObject({ code: 'out_of_space' })
    expect(two.size).toBe(0)
    await two.write(0, bytes(400))
    await expect(one.write(600, bytes(1))).rejects.toMatchObject({ code: 'out_of_space' })
    await expect(one.truncate(601)).rejects.toMatchObject({ code: 'out_of_space' })
    await two.commit()
    await one.commit()
    expect(await session.space()).toEqual({ freeBytes: 0, totalBytes: 1_000 })
    await expect(session.openWrite('/3.csv', { disposition: 'replace' })).rejects.toMatchObject({
      code: 'out_of_space',
    })
    await session.remove('/1.csv')
    expect(await session.space()).toMatchObject({ freeBytes: 600 })
    const names = (await session.list('/')).map(({ name }) => name)
    expect(names).toEqual(['2.csv'])
  })

  test('is of one client: another is not kept out, and bak/ and failed/ do not count', async () => {
    await addClient(state, 'maple')
    await addClient(state, 'oak')
    for (let n = 0; n < 5; n += 1) await store(files, dropPath('ten_oak', 'bak', `${n}.csv`), 'x')
    const keeper = door({ state, files, limits: { files: 1 } })
    const [maple, oak] = [await loggedIn(keeper, 'maple'), await loggedIn(keeper, 'oak')]
    await (await maple.openWrite('/1.csv', { disposition: 'replace' })).commit()
    await expect(maple.openWrite('/2.csv', { disposition: 'replace' })).rejects.toMatchObject({
      code: 'too_many',
    })
    await (await oak.openWrite('/1.csv', { disposition: 'replace' })).commit()
  })

  test('leaves room on the disk for the databases', async () => {
    await addClient(state, 'maple')
    const space = { freeBytes: 1_000, totalBytes: 5_000 }
    const small: FileStore = { ...files, space: async () => space }
    const keeper = door({ state, files: small, limits: { freeBytes: 600 } })
    const session = await loggedIn(keeper, 'maple')
    const upload = await session.openWrite('/1.csv', { disposition: 'replace' })
    await expect(upload.write(0, bytes(401))).rejects.toMatchObject({ code: 'out_of_space' })
    await upload.write(0, bytes(400))
    await expect(session.openWrite('/2.csv', { disposition: 'replace' })).rejects.toMatchObject({
      code: 'out_of_space',
    })
    await upload.commit()
  })
})

test('defaultLimits are those that are promised', () => {
  expect(defaultLimits).toMatchObject({
    loginDeadlineMs: 30_000,
    wrongPasswords: 3,
    refusalDelayMs: 1_000,
    penaltyStepMs: 5_000,
    penaltyEnforcedMs: 15_000,
    penaltyMostMs: 600_000,
    penaltySources: 65_536,
    nameMostMs: 30_000,
    startupsBegin: 10,
    startupsRate: 30,
    startupsFull: 100,
    connectionsPerAddress: 20,
    sessionsPerAccount: 8,
    handles: 64,
    fileBytes: 2 ** 30,
    files: 10_000,
    clientBytes: 10 * 2 ** 30,
    hashes: 2,
    rememberMs: 60_000,
  })
})
