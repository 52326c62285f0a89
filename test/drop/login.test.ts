import { execFileSync } from 'node:child_process'
import { hash as bcrypt } from 'bcryptjs'
import { beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openState } from '../../src/db/sqlite/state.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { createDoorkeeper } from '../../src/drop/doorkeeper.ts'
import { createPasswordHasher } from '../../src/drop/password.ts'
import type { PasswordHasher } from '../../src/drop/password.ts'
import { verifyShaCrypt } from '../../src/drop/sha-crypt.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { peer as installed } from '../support/peers.ts'
import { addClient, door, loggedIn, password, peer, silent } from './door.ts'

let state: StateStore
beforeEach(() => {
  state = openState(':memory:')
})
const files = memoryDriver().files
const openssl = installed('openssl')

/** A real hasher that tells how often it was asked. */
function counting(): { hasher: PasswordHasher; verified: string[]; burned: () => number } {
  const real = createPasswordHasher()
  const verified: string[] = []
  let burned = 0
  const hasher: PasswordHasher = {
    ...real,
    verify(stored, given) {
      verified.push(given)
      return real.verify(stored, given)
    },
    burn(given) {
      burned += 1
      return real.burn(given)
    },
  }
  return { hasher, verified, burned: () => burned }
}

describe('a login by password', () => {
  function keeperWith(hasher: PasswordHasher) {
    const limits = { refusalDelayMs: 1 }
    const onCommit = () => undefined
    return createDoorkeeper({
      state,
      files,
      clock: systemClock,
      log: silent,
      onCommit,
      hasher,
      limits,
      allowList: ['127.0.0.1'],
    })
  }

  test('is hashed once a minute, and again when the account has changed', async () => {
    const account = await addClient(state, 'maple')
    const { hasher, verified } = counting()
    const keeper = keeperWith(hasher)
    for (let n = 0; n < 5; n += 1) await (await loggedIn(keeper, 'maple')).end('done')
    expect(verified).toHaveLength(1)
    await keeper
      .admit(peer())
      .loginWithPassword('maple', 'wrong')
      .catch(() => undefined)
    expect(verified).toEqual([password, 'wrong'])

    await state.accounts.update({ ...account, passwordHash: await hasher.hash('another one') })
    await expect(loggedIn(keeper, 'maple')).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(verified).toHaveLength(3)
    await state.accounts.update({ ...account, disabled: true })
    await expect(loggedIn(keeper, 'maple')).rejects.toMatchObject({ code: 'unauthenticated' })
    await state.accounts.update(account)
    await loggedIn(keeper, 'maple')
    expect(verified).toHaveLength(3)
    await state.accounts.remove(account.tenantId, account.id)
    await expect(loggedIn(keeper, 'maple')).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('hashes for a name that does not exist as for one that does', async () => {
    await addClient(state, 'maple', { keys: [{ algorithm: 'a', blob: 'b', comment: '' }] })
    await addClient(state, 'keys', { passwordHash: null })
    const { hasher, verified, burned } = counting()
    const keeper = keeperWith(hasher)
    for (const name of ['nobody', 'keys', '', 'x'.repeat(100_000)]) {
      await keeper
        .admit(peer())
        .loginWithPassword(name, 'wrong')
        .catch(() => undefined)
    }
    expect([verified.length, burned()]).toEqual([0, 4])
    // A megabyte is not hashed for a guesser.
    await keeper
      .admit(peer())
      .loginWithPassword('maple', 'x'.repeat(2 ** 20))
      .catch(() => undefined)
    expect([verified.length, burned()]).toEqual([0, 5])
  })

  test.each([
    ['bcrypt', async () => bcrypt(password, 4)],
    ['bcrypt as PHP writes it', async () => (await bcrypt(password, 4)).replace('$2b', '$2y')],
    [
      'SHA-512 of crypt(3)',
      async () =>
        '$6$saltsalt$CPgxBHZBXfhC6lX1yxpdEsbQfXmg3WXVj8AoVwyNFLfb5AtbfM8k6A8yehv1z6sgzoH/DUIs7YK9hVnGhTjhW/',
    ],
    [
      'argon2id of another cost',
      async () => (await import('@node-rs/argon2')).hash(password, { memoryCost: 8_192 }),
    ],
  ])('verifies a hash of %s, and stores argon2id at the first good login', async (_, make) => {
    const old = await make()
    const account = await addClient(state, 'maple', { passwordHash: old })
    const keeper = door({ state, files, allowList: ['127.0.0.1'] })
    const stored = async () => (await state.accounts.findByName('maple'))?.passwordHash
    await keeper
      .admit(peer())
      .loginWithPassword('maple', 'wrong')
      .catch(() => undefined)
    expect(await stored()).toBe(old)
    expect((await loggedIn(keeper, 'maple')).tenantId).toBe(account.tenantId)
    const renewed = (await stored()) ?? ''
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await (await loggedIn(keeper, 'maple')).end('done')
    expect(await stored()).toBe(renewed)
    await expect(keeper.admit(peer()).loginWithPassword('maple', 'wrong')).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })

  test('is refused where the stored hash is of no known kind', async () => {
    for (const [name, passwordHash] of [
      ['maple', '$1$salt$qJH7.N4xYta3aEG/dfqo/0'],
      ['oak', 'plain text'],
      ['elm', '$6$short$digest'],
      ['ash', '$2b$99$nonsense'],
    ] as const) {
      await addClient(state, name, { passwordHash })
      const admission = door({ state, files }).admit(peer())
      for (const given of [password, passwordHash, '']) {
        await expect(admission.loginWithPassword(name, given)).rejects.toMatchObject({
          code: expect.stringMatching(/unauthenticated|too_many/),
        })
      }
      expect((await state.accounts.findByName(name))?.passwordHash).toBe(passwordHash)
    }
  })
})

describe('verifyShaCrypt()', () => {
  // The test vectors of the specification, https://www.akkadia.org/drepper/SHA-crypt.txt
  test.each([
    [
      'Hello world!',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'This is just a test',
      '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
    ],
    [
      'a very much longer text to encrypt.  This one even stretches over morethan one line.',
      '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
    ],
    [
      'we have a short salt string but not a short password',
      '$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
    ],
    [
      'the minimum number is still observed',
      '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
    ],
  ])('knows "%s" again', (text, stored) => {
    expect(verifyShaCrypt(stored, text)).toBe(true)
    if (!/rounds=\d{5}/.test(stored)) expect(verifyShaCrypt(stored, `${text} `)).toBe(false)
  })

  test.skipIf(openssl === undefined)('agrees with OpenSSL on every length', () => {
    for (const length of [1, 15, 16, 31, 32, 63, 64, 65, 127, 128, 129, 255]) {
      const text = 'x'.repeat(length)
      const line = execFileSync(openssl ?? '', ['passwd', '-6', '-salt', 'a./Z', text])
      expect([length, verifyShaCrypt(line.toString().trim(), text)]).toEqual([length, true])
    }
  })

  test('is false for what is none, and for a cost that would take minutes', () => {
    for (const stored of ['', '$6$', '$6$salt$', '$5$salt$x', `$6$s$${'.'.repeat(85)}`]) {
      expect([stored, verifyShaCrypt(stored, '')]).toEqual([stored, false])
    }
    expect(verifyShaCrypt(`$6$rounds=999999999$s$${'.'.repeat(86)}`, '')).toBe(false)
  })
})
