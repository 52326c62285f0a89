import { describe, expect, test } from 'vitest'
import type { Directory } from '../../src/domain/directory.ts'
import { rowReason } from '../../src/domain/reason.ts'
import type { OpenDirectory } from './directory-rows.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  fingerprintsOf,
  importAll,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'

const ignored = rowReason(9120, 'password', { field: 'password' })

/** How every directory matches and stores rows (spec/file-format.md section 4). */
export function rowsContract(name: string, open: OpenDirectory): void {
  let tenants = 0
  const fresh = async (): Promise<{ tenantId: string; directory: Directory }> => {
    tenants += 1
    const tenantId = `ten_${name.toLowerCase()}_${tenants}`
    return { tenantId, directory: await open(tenantId) }
  }

  describe(`the directory contract, rows: ${name}`, () => {
    test('apply() creates users, with the default login source where the row names none', async () => {
      const { directory } = await fresh()
      const inactive = { ...bob, active: false }
      expect(await importAll(directory, 'run_1', [ada, inactive])).toEqual({
        2: 'created',
        3: 'created',
      })
      expect(await usersOf(directory)).toEqual([
        {
          UserUUID: 'u1',
          email: 'Ada@x.example',
          username: 'ada',
          firstName: 'Ada',
          loginSource: 'SSO',
        },
        {
          UserUUID: 'u2',
          email: 'bob@x.example',
          username: 'bob',
          firstName: 'Bob',
          loginSource: 'SSO',
          active: false,
        },
      ])
      expect(await directory.changedBy()).toBe('run_1')
      await directory.close()
    })

    test('apply() keeps the login source that a row names', async () => {
      const { directory } = await fresh()
      const fields = ['UserUUID', 'loginSource'] as const
      await importAll(
        directory,
        'run_1',
        [
          { line: 2, UserUUID: 'u1', loginSource: 'Local' },
          { line: 3, UserUUID: 'u2' },
        ],
        { fields },
      )
      expect(await usersOf(directory)).toEqual([
        { UserUUID: 'u1', loginSource: 'Local' },
        { UserUUID: 'u2', loginSource: 'SSO' },
      ])
      await directory.close()
    })

    test('apply() tells a row that changes nothing from one that does, and keeps what is not named', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob, eve])
      const outcomes = await importAll(directory, 'run_2', [
        ada,
        { line: 3, UserUUID: 'u2', lastName: 'Builder' },
        { line: 4, UserUUID: 'u3', firstName: null, email: null, active: false },
      ])
      expect(outcomes).toEqual({ 2: 'unchanged', 3: 'updated', 4: 'updated' })
      const [first, second, third] = await usersOf(directory)
      expect(first).toMatchObject({ firstName: 'Ada' })
      expect(second).toEqual({
        UserUUID: 'u2',
        email: 'bob@x.example',
        username: 'bob',
        firstName: 'Bob',
        lastName: 'Builder',
        loginSource: 'SSO',
      })
      expect(third).toEqual({
        UserUUID: 'u3',
        username: 'eve',
        loginSource: 'SSO',
        active: false,
      })
      await directory.close()
    })

    test('apply() writes nothing for a run that changes nothing', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const before = await directory.users({ limit: 10 })
      expect(await importAll(directory, 'run_2', [ada, bob])).toEqual({
        2: 'unchanged',
        3: 'unchanged',
      })
      expect(await directory.users({ limit: 10 })).toEqual(before)
      expect(await directory.changedBy()).toBe('run_1')
      await directory.close()
    })

    test('apply() frees a cleared email for another user', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      await importAll(directory, 'run_2', [{ line: 2, UserUUID: 'u1', email: null }])
      expect(await importAll(directory, 'run_3', [{ ...bob, email: 'ada@X.example' }])).toEqual({
        3: 'created',
      })
      await directory.close()
    })

    test('apply() adopts the UUID for the user of the email who has none', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [{ line: 2, email: 'ada@x.example', firstName: 'Ada' }])
      const row = { line: 2, UserUUID: 'u1', email: 'ADA@x.example' }
      expect(await importAll(directory, 'run_2', [row])).toEqual({ 2: 'updated' })
      expect(await usersOf(directory)).toEqual([
        { UserUUID: 'u1', email: 'ADA@x.example', firstName: 'Ada', loginSource: 'SSO' },
      ])
      expect(await importAll(directory, 'run_3', [row])).toEqual({ 2: 'unchanged' })
      await directory.close()
    })

    test('apply() matches a row without UUID by its email', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      const row = { line: 2, email: 'ada@x.example', lastName: 'Lovelace' }
      expect(await importAll(directory, 'run_2', [row])).toEqual({ 2: 'updated' })
      expect(await usersOf(directory)).toEqual([
        expect.objectContaining({ UserUUID: 'u1', firstName: 'Ada', lastName: 'Lovelace' }),
      ])
      await directory.close()
    })

    test('apply() matches UUIDs by case and emails without', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      const other = { line: 2, UserUUID: 'U1', email: 'other@x.example' }
      expect(await importAll(directory, 'run_2', [other])).toEqual({ 2: 'created' })
      await directory.close()
    })

    test('apply() refuses an email and a username of other users, and changes nothing then', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const before = await directory.users({ limit: 10 })
      const outcomes = await importAll(directory, 'run_2', [
        // Its UUID is unknown, and its email has a user with another.
        { line: 2, UserUUID: 'u9', email: 'ADA@x.example', username: 'new' },
        { line: 3, UserUUID: 'u2', email: 'ada@x.example', username: 'ADA', firstName: 'Other' },
        { line: 4, UserUUID: 'u8', email: 'new@x.example', username: 'Bob' },
      ])
      expect(outcomes).toEqual({ 2: '9019', 3: '9019 9020', 4: '9020' })
      expect(await directory.users({ limit: 10 })).toEqual(before)
      expect(await directory.changedBy()).toBe('run_1')
      const failures = await directory.failures('run_2', { limit: 10 })
      expect(failures.map(({ line }) => line)).toEqual([2, 3, 4])
      expect(failures[1]?.reasons).toMatchObject([
        { code: 9019, field: 'Mail' },
        { code: 9020, field: 'Login' },
      ])
      expect(failures[1]?.reasons[0]?.sentence).toContain(
        'Mail is "ada@x.example", which belongs to the user with the UserUUID "u1"',
      )
      await directory.close()
    })

    test('settle() lets two users exchange their emails, and their usernames', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const outcomes = await importAll(directory, 'run_2', [
        { ...ada, email: bob.email, username: bob.username },
        // What is to be said of a row waits with it.
        { ...bob, email: ada.email, username: ada.username, updateWarnings: [ignored] },
      ])
      expect(outcomes).toEqual({ 2: 'updated', 3: 'updated' })
      expect(await usersOf(directory)).toMatchObject([
        { UserUUID: 'u1', email: bob.email, username: 'bob' },
        { UserUUID: 'u2', email: ada.email, username: 'ada' },
      ])
      await directory.close()
    })

    test('settle() follows a chain of emails in either direction', async () => {
      for (const order of [
        [2, 3, 4],
        [4, 3, 2],
      ]) {
        const { directory } = await fresh()
        await importAll(directory, 'run_1', [ada, bob, eve])
        const moved = [
          { ...ada, email: bob.email },
          { ...bob, email: eve.email },
          { ...eve, email: 'new@x.example' },
        ].map((row, index) => ({ ...row, line: order[index] ?? 0 }))
        const outcomes = await importAll(
          directory,
          'run_2',
          moved.toSorted((a, b) => a.line - b.line),
        )
        expect(outcomes).toEqual({ 2: 'updated', 3: 'updated', 4: 'updated' })
        expect(await usersOf(directory)).toMatchObject([
          { UserUUID: 'u1', email: bob.email },
          { UserUUID: 'u2', email: eve.email },
          { UserUUID: 'u3', email: 'new@x.example' },
        ])
        await directory.close()
      }
    })

    test('settle() refuses the row that asks for what another user keeps, and lets a circle beside it through', async () => {
      const { directory } = await fresh()
      const max = { line: 5, UserUUID: 'u4', email: 'max@x.example', username: 'max' }
      await importAll(directory, 'run_1', [ada, bob, eve, max])
      const outcomes = await importAll(directory, 'run_2', [
        { ...ada, email: bob.email },
        { ...bob, email: ada.email },
        { ...eve, email: max.email },
      ])
      expect(outcomes).toEqual({ 2: 'updated', 3: 'updated', 4: '9019' })
      expect(await usersOf(directory)).toMatchObject([
        { email: bob.email },
        { email: ada.email },
        { email: eve.email },
        { email: max.email },
      ])
      await directory.close()
    })

    test('settle() remembers no record whose row failed after all', async () => {
      const { directory } = await fresh()
      const max = { line: 5, UserUUID: 'u4', email: 'max@x.example', username: 'max' }
      await importAll(directory, 'run_1', [ada, bob, max])
      // While all let go, the first two could be stored; the third asks for what nobody in the file gives up.
      const outcomes = await importAll(directory, 'run_2', [
        { ...ada, email: bob.email, hash: 91 },
        { line: 9, UserUUID: 'u9', email: ada.email, username: 'new', hash: 92 },
        { ...bob, email: max.email, hash: 93 },
      ])
      expect(outcomes).toEqual({ 2: '9019', 9: '9019', 3: '9019' })
      const ledger = await directory.begin(ledgerOptions('run_3'))
      expect(await fingerprintsOf(ledger)).toEqual({})
      await ledger.close()
      await directory.close()
    })

    test('settle() gives a created user the email that an updated one lets go', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      const outcomes = await importAll(directory, 'run_2', [
        { ...bob, email: ada.email, line: 2, password: 'longenough' },
        { ...ada, email: 'moved@x.example', line: 3 },
      ])
      expect(outcomes).toEqual({ 2: 'created', 3: 'updated' })
      expect(await usersOf(directory)).toMatchObject([
        { UserUUID: 'u1', email: 'moved@x.example' },
        { UserUUID: 'u2', email: ada.email, hasPassword: true },
      ])
      await directory.close()
    })

    test('deferred rows wait across a commit and a reopening', async () => {
      const { tenantId, directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const first = await directory.begin(ledgerOptions('run_2'))
      first.plan(plan)
      expect(await first.apply([importRow({ ...ada, email: bob.email })])).toEqual(['deferred'])
      await first.commit(beginning)
      await first.close()
      await directory.close()

      const again = await open(tenantId)
      const second = await again.begin(ledgerOptions('run_2'))
      expect(second.stored).toEqual(beginning)
      second.plan(plan)
      expect(await applyAll(second, [{ ...bob, email: ada.email }])).toEqual({
        2: 'updated',
        3: 'updated',
      })
      await second.commit(done)
      await second.close()
      expect(await usersOf(again)).toMatchObject([{ email: bob.email }, { email: ada.email }])
      await again.close()
    })

    test('apply() fails rows that would create a user where the file lacks a needed column', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      const createReasons = [rowReason(9018, 'lastName', { field: 'lastName' })]
      const outcomes = await importAll(
        directory,
        'run_2',
        [{ ...ada, firstName: 'Augusta' }, bob],
        { createReasons },
      )
      expect(outcomes).toEqual({ 2: 'updated', 3: '9018' })
      expect(await usersOf(directory)).toHaveLength(1)
      await directory.close()
    })

    test('apply() says at once all that keeps a row from making a user', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const createReasons = [rowReason(9018, 'lastName', { field: 'lastName' })]
      const rows = [
        { line: 2, UserUUID: 'u9', email: 'bob@x.example', username: 'ada' },
        { line: 3, UserUUID: 'u9', email: 'free@x.example', username: 'ada' },
      ]
      expect(await importAll(directory, 'run_2', rows, { createReasons })).toEqual({
        2: '9018 9019 9020',
        3: '9018 9020',
      })
      await directory.close()
    })

    test('apply() hashes the password of a created user and of no other', async () => {
      const { directory } = await fresh()
      const asked: string[] = []
      const hashPassword = async (password: string): Promise<string> => {
        asked.push(password)
        return `hash of ${password}`
      }
      await importAll(directory, 'run_1', [bob])
      await importAll(
        directory,
        'run_2',
        [
          { ...ada, password: 'correct horse' },
          { ...bob, lastName: 'B', password: 'battery staple' },
        ],
        { hashPassword },
      )
      expect(asked).toEqual(['correct horse'])
      expect(await usersOf(directory)).toMatchObject([
        { UserUUID: 'u2' },
        { UserUUID: 'u1', hasPassword: true },
      ])
      expect((await usersOf(directory))[0]).not.toHaveProperty('hasPassword')
      await directory.close()
    })
  })
}
