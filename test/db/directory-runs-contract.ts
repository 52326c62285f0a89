import { describe, expect, test } from 'vitest'
import type { Directory, Ledger } from '../../src/domain/directory.ts'
import type { OpenDirectory } from './directory-rows.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  importAll,
  fingerprintsOf,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'

async function find(
  ledger: Ledger,
  uuid: string | null,
  emailKey: string | null,
): Promise<number | undefined> {
  const [user] = await ledger.find([{ uuid, emailKey }])
  return user?.id
}

/** How every directory keeps its runs: what is durable when, and what can be taken back. */
export function runsContract(name: string, open: OpenDirectory): void {
  let tenants = 0
  const fresh = async (): Promise<{ tenantId: string; directory: Directory }> => {
    tenants += 1
    const tenantId = `ten_${name.toLowerCase()}_run_${tenants}`
    return { tenantId, directory: await open(tenantId) }
  }

  describe(`the directory contract, runs: ${name}`, () => {
    test('a dry run stores its failures and its state and nothing else', async () => {
      const { tenantId, directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const before = await directory.users({ limit: 10 })
      const first = await directory.begin(ledgerOptions('run_2', { dryRun: true }))
      first.plan(plan)
      expect(await applyAll(first, [{ ...ada, email: bob.email }])).toEqual({ 2: '9019' })
      await first.commit(beginning)
      await first.close()
      await directory.close()

      // After a kill it begins again.
      const again = await open(tenantId)
      expect(await again.failures('run_2', { limit: 10 })).toEqual([])
      const second = await again.begin(ledgerOptions('run_2', { dryRun: true }))
      expect(second.stored).toBeUndefined()
      second.plan(plan)
      expect(
        await applyAll(second, [
          { ...ada, email: bob.email },
          { ...bob, firstName: 'Robert' },
          { ...eve, password: 'longenough' },
        ]),
      ).toEqual({ 2: '9019', 3: 'updated', 4: 'created' })
      await second.commit(done)
      await second.close()
      expect(await again.users({ limit: 10 })).toEqual(before)
      expect(await again.changedBy()).toBe('run_1')
      expect(await again.failures('run_2', { limit: 10 })).toMatchObject([
        { line: 2, reasons: [{ code: 9019 }] },
      ])
      const third = await again.begin(ledgerOptions('run_2', { dryRun: true }))
      expect(third.stored).toEqual(done)
      await third.close()
      await again.close()
    })

    test('what is not committed is gone after a reopening, and what is committed is there', async () => {
      const { tenantId, directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      expect(ledger.stored).toBeUndefined()
      expect(ledger.lastUserId).toBe(0)
      ledger.plan(plan)
      await ledger.apply([importRow({ ...ada, hash: 71 })])
      await ledger.fail({ line: 9, reasons: [], cells: ['x'], raw: null }, 0)
      const state = { ...beginning, position: 100, line: 3, reasons: [{ code: 9030, count: 1 }] }
      await ledger.commit(state)
      await ledger.apply([importRow({ ...bob, hash: 72 })])
      await ledger.fail({ line: 10, reasons: [], cells: ['y'], raw: null }, 0)
      await ledger.close()
      await ledger.close()
      await directory.close()

      const again = await open(tenantId)
      expect(await usersOf(again)).toMatchObject([{ UserUUID: 'u1' }])
      expect((await again.failures('run_1', { limit: 10 })).map(({ line }) => line)).toEqual([9])
      const second = await again.begin(ledgerOptions('run_1'))
      expect(second.stored).toEqual(state)
      expect(await fingerprintsOf(second)).toEqual({ 71: second.lastUserId })
      second.plan(plan)
      expect(await applyAll(second, [bob])).toEqual({ 3: 'created' })
      await second.commit(done)
      await second.close()
      expect(await usersOf(again)).toMatchObject([{ UserUUID: 'u1' }, { UserUUID: 'u2' }])
      await again.close()
    })

    test('fingerprints() gives what users were last imported from, and nothing for hash 0', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [
        { ...ada, hash: 11 },
        { ...bob, hash: 12 },
        { ...eve, hash: 0 },
      ])
      await importAll(directory, 'run_2', [
        { ...ada, hash: 21 },
        { ...bob, firstName: 'Robert', hash: 0 },
      ])
      const ledger = await directory.begin(ledgerOptions('run_3'))
      const found = await fingerprintsOf(ledger)
      expect(Object.keys(found)).toEqual(['21'])
      expect(found[21]).toBe(await find(ledger, 'u1', null))
      await ledger.close()
      await directory.close()
    })

    test('find() gives the user of the UUID, else of the email, and not one of another UUID', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob, { line: 9, email: 'none@x.example' }])
      const ledger = await directory.begin(ledgerOptions('run_2'))
      const [one, two] = [await find(ledger, 'u1', null), await find(ledger, 'u2', null)]
      const without = await find(ledger, null, 'none@x.example')
      expect(new Set([one, two, without, undefined]).size).toBe(4)
      expect(await find(ledger, null, 'bob@x.example')).toBe(two)
      expect(await find(ledger, 'u1', 'bob@x.example')).toBe(one)
      expect(await find(ledger, 'u9', 'bob@x.example')).toBeUndefined()
      expect(await find(ledger, 'u9', 'none@x.example')).toBe(without)
      expect(await find(ledger, 'u9', 'nobody@x.example')).toBeUndefined()
      expect(await find(ledger, null, null)).toBeUndefined()
      expect(
        await ledger.find([
          { uuid: 'u1', emailKey: null },
          { uuid: null, emailKey: 'none@x.example' },
        ]),
      ).toEqual([
        { id: one, emailKey: 'ada@x.example', usernameKey: 'ada' },
        { id: without, emailKey: 'none@x.example', usernameKey: null },
      ])
      await ledger.close()
      await directory.close()
    })

    test('holders() gives who has an email and who a username', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      const ledger = await directory.begin(ledgerOptions('run_2'))
      const [one, two] = [await find(ledger, 'u1', null), await find(ledger, 'u2', null)]
      expect(
        await ledger.holders([
          { emailKey: 'ada@x.example', usernameKey: 'bob' },
          { emailKey: null, usernameKey: null },
          { emailKey: 'nobody@x.example', usernameKey: 'ada' },
        ]),
      ).toEqual([
        { email: one, username: two },
        { email: undefined, username: undefined },
        { email: undefined, username: one },
      ])
      await ledger.close()
      await directory.close()
    })

    test('fingerprints() gives every one of many users', async () => {
      const { directory } = await fresh()
      const many = Array.from({ length: 9000 }, (_, index) => ({
        line: index + 2,
        UserUUID: `m${index}`,
        hash: 2 ** 40 + index,
      }))
      await importAll(directory, 'run_1', many)
      const ledger = await directory.begin(ledgerOptions('run_2'))
      const found = await fingerprintsOf(ledger)
      expect(Object.keys(found)).toHaveLength(9000)
      expect(found[2 ** 40 + 8999]).toBe(await find(ledger, 'm8999', null))
      await ledger.close()
      await directory.close()
    })

    test('deactivate() sets inactive who is not present, and leaves whom this run created', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [
        ada,
        bob,
        eve,
        { line: 5, UserUUID: 'u4', active: false },
      ])
      const ledger = await directory.begin(ledgerOptions('run_2'))
      ledger.plan(plan)
      const present = new Uint8Array((ledger.lastUserId >> 3) + 1)
      const id = (await find(ledger, 'u2', null)) ?? 0
      present[id >> 3] = 1 << (id & 7)
      expect(await ledger.absent(present)).toEqual({ active: 3, absent: 2 })
      await ledger.keepPresence(present)
      await ledger.commit(beginning)
      await ledger.apply([importRow({ line: 6, UserUUID: 'u5' })])
      const kept = await ledger.presence()
      expect(kept).toEqual(present)
      expect(await ledger.deactivate(kept ?? present)).toBe(2)
      await ledger.commit(done)
      await ledger.close()
      expect(
        (await usersOf(directory)).map(({ UserUUID, active }) => [UserUUID, active ?? true]),
      ).toEqual([
        ['u1', false],
        ['u2', true],
        ['u3', false],
        ['u4', false],
        ['u5', true],
      ])
      expect(await directory.changedBy()).toBe('run_2')
      expect(await directory.revert('run_2', 'run_3', 5)).toEqual({ removed: 1, restored: 2 })
      expect((await usersOf(directory)).map(({ active }) => active ?? true)).toEqual([
        true,
        true,
        true,
        false,
      ])
      await directory.close()
    })

    test('presence() of a run that kept none is undefined', async () => {
      const { directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      expect(await ledger.presence()).toBeUndefined()
      await ledger.close()
      await directory.close()
    })

    test('revert() puts back what a run changed and forgets its fingerprints', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [
        { ...ada, hash: 1 },
        { ...bob, hash: 2 },
      ])
      const before = await usersOf(directory)
      await importAll(directory, 'run_2', [
        { ...ada, email: bob.email, username: bob.username, hash: 3 },
        { ...bob, email: ada.email, username: ada.username, active: false, hash: 4 },
        { ...eve, hash: 5 },
      ])
      expect(await directory.revert('run_2', 'run_9', 77)).toEqual({ removed: 1, restored: 2 })
      expect(await usersOf(directory)).toEqual(before)
      expect(await directory.changedBy()).toBe('run_9')
      for (const { changedAt } of await directory.users({ limit: 10 })) expect(changedAt).toBe(77)
      const ledger = await directory.begin(ledgerOptions('run_10'))
      expect(await fingerprintsOf(ledger)).toEqual({})
      expect(await find(ledger, 'u2', null)).toBe(await find(ledger, null, 'bob@x.example'))
      await ledger.close()
      // The first run may be taken back now, since what came later is.
      expect(await directory.revert('run_1', 'run_11', 78)).toEqual({ removed: 2, restored: 0 })
      expect(await usersOf(directory)).toEqual([])
      await directory.close()
    })

    test('revert() refuses when a later run changed a user, and changes nothing', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, bob])
      await importAll(directory, 'run_2', [{ ...ada, firstName: 'Augusta' }, eve])
      await importAll(directory, 'run_3', [{ ...ada, firstName: 'A.' }])
      const before = await usersOf(directory)
      await expect(directory.revert('run_2', 'run_4', 5)).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('u1') as string,
      })
      expect(await usersOf(directory)).toEqual(before)
      expect(await directory.changedBy()).toBe('run_3')
      await directory.close()
    })

    test('revert() refuses when an email it would give back has another user, and changes nothing', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada])
      await importAll(directory, 'run_2', [{ ...ada, email: 'moved@x.example' }])
      await importAll(directory, 'run_3', [{ ...bob, email: ada.email }])
      const before = await usersOf(directory)
      await expect(directory.revert('run_2', 'run_4', 5)).rejects.toMatchObject({
        code: 'conflict',
      })
      expect(await usersOf(directory)).toEqual(before)
      await directory.close()
    })

    test('revert() of an unknown run changes nothing', async () => {
      const { directory } = await fresh()
      expect(await directory.revert('run_1', 'run_2', 5)).toEqual({ removed: 0, restored: 0 })
      expect(await directory.changedBy()).toBeNull()
      await directory.close()
    })

    test('failures() pages in file order and filters by code', async () => {
      const { directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      const failure = (line: number, codes: number[], raw: string | null = null) => ({
        line,
        reasons: codes.map((code) => ({ code, field: 'Mail', sentence: `Why\0 ${code}` })),
        cells: ['a\0b', 'é', ''],
        raw,
      })
      await ledger.fail(failure(30, [9019, 9030]), 0)
      await ledger.fail(failure(4, [9030]), 0)
      await ledger.fail(failure(5, [9901]), 0)
      await ledger.commit(beginning)
      expect(await directory.hasRawFailures('run_1')).toBe(false)
      await ledger.fail(failure(200, [9106], 'raw "text'), 0)
      // A batch that is done again says the same again.
      await ledger.fail(failure(4, [9030]), 0)
      await ledger.commit(done)
      await ledger.close()
      const lines = async (options: object) =>
        (await directory.failures('run_1', { limit: 10, ...options })).map(({ line }) => line)
      expect(await lines({})).toEqual([4, 5, 30, 200])
      expect(await lines({ after: 5 })).toEqual([30, 200])
      expect(await lines({ limit: 2 })).toEqual([4, 5])
      expect(await lines({ code: 9030 })).toEqual([4, 30])
      expect(await lines({ code: 901 })).toEqual([])
      expect(await directory.failures('run_2', { limit: 10 })).toEqual([])
      expect((await directory.failures('run_1', { limit: 1 }))[0]).toEqual(failure(4, [9030]))
      expect(await directory.hasRawFailures('run_1')).toBe(true)
      expect(await directory.hasRawFailures('run_2')).toBe(false)
      await directory.close()
    })

    test('identifiers() gives the stored values of one field', async () => {
      const { directory } = await fresh()
      await importAll(directory, 'run_1', [ada, { line: 3, email: 'no-uuid@x.example' }, bob])
      expect([...(await directory.identifiers('UserUUID'))].toSorted()).toEqual(['u1', 'u2'])
      expect(await directory.identifiers('studentNo')).toEqual([])
      await directory.close()
    })

    test('directories of two tenants know nothing of each other', async () => {
      const [one, other] = [(await fresh()).directory, (await fresh()).directory]
      await importAll(one, 'run_1', [ada])
      expect(await importAll(other, 'run_1', [{ ...ada, firstName: 'Other' }])).toEqual({
        2: 'created',
      })
      expect(await usersOf(one)).toMatchObject([{ firstName: 'Ada' }])
      expect(await other.revert('run_1', 'run_2', 5)).toEqual({ removed: 1, restored: 0 })
      expect(await usersOf(one)).toHaveLength(1)
      expect(await one.changedBy()).toBe('run_1')
      await one.close()
      await other.close()
    })
  })
}
