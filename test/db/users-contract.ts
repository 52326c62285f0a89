import { describe, expect, test } from 'vitest'
import type { Directory } from '../../src/domain/directory.ts'
import type { ChangePlace, UserChange, UserReader } from '../../src/domain/user-reader.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  importAll,
  ledgerOptions,
  plan,
} from './directory-rows.ts'

type Opened = Directory & UserReader

const start: ChangePlace = { change: 0, id: 0 }

const shown = (changes: readonly UserChange[]): string[] =>
  changes.map((one) =>
    one.kind === 'removed'
      ? `${one.UserUUID} removed`
      : `${one.user.fields.UserUUID} ${one.user.fields.firstName}${one.user.active ? '' : ' inactive'}`,
  )

/** How every directory shows its users and their changes to those who read beside its imports. */
export function usersContract(name: string, open: (tenantId: string) => Promise<Opened>): void {
  let tenants = 0
  const fresh = (): Promise<Opened> => {
    tenants += 1
    return open(`ten_${name.toLowerCase()}_users_${tenants}`)
  }

  /** Follows the changes from a place to their end, in pages of `limit`. */
  async function follow(reader: UserReader, from: ChangePlace, limit = 2) {
    const found: UserChange[] = []
    let place = from
    for (;;) {
      const page = await reader.userChanges(place, limit)
      found.push(...page)
      const last = page.at(-1)
      if (last === undefined) return { found: shown(found), place }
      place = { change: last.change, id: last.id }
    }
  }

  describe(`the user contract: ${name}`, () => {
    test('shows each change once, in order, from any place, deactivations and removals too', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada, bob, eve])
      const first = await follow(users, start)
      expect(first.found).toEqual(['u1 Ada', 'u2 Bob', 'u3 Eve'])
      expect(await users.userChanges(first.place, 9)).toEqual([])

      await importAll(users, 'run_2', [{ ...bob, firstName: 'Rob' }, ada])
      await importAll(users, 'run_3', [{ ...ada, line: 2, active: false }])
      await importAll(users, 'run_4', [{ line: 2, UserUUID: 'u4', firstName: 'Dan' }])
      const second = await follow(users, first.place)
      expect(second.found).toEqual(['u2 Rob', 'u1 Ada inactive', 'u4 Dan'])

      await users.revert('run_4', 'revert_1', 9_000)
      await users.revert('run_3', 'revert_2', 9_001)
      const third = await follow(users, second.place)
      expect(third.found).toEqual(['u4 removed', 'u1 Ada'])
      expect((await follow(users, start, 1)).found).toEqual([
        'u3 Eve',
        'u2 Rob',
        'u4 removed',
        'u1 Ada',
      ])
      await users.close()
    })

    test('a full file that deactivates users shows them once', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada, bob, eve])
      const { place } = await follow(users, start)
      const ledger = await users.begin(ledgerOptions('run_2'))
      ledger.plan(plan)
      expect(await ledger.deactivate(new Uint8Array([0b0000_0010]))).toBe(2)
      await ledger.commit(done)
      await ledger.close()
      expect((await follow(users, place)).found).toEqual(['u2 Bob inactive', 'u3 Eve inactive'])
      expect((await users.userList({ limit: 9, active: false })).map(({ id }) => id)).toEqual([
        2, 3,
      ])
      await users.close()
    })

    test('absentUsers() names whom a held full file lacks, and nobody for another run', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada, { ...bob, active: false }, eve])
      const ledger = await users.begin(ledgerOptions('run_2'))
      await ledger.keepPresence(new Uint8Array([0b0000_0010]))
      await ledger.commit({ ...done, outcome: 'held' })
      await ledger.close()
      const absent = await users.absentUsers('run_2', 9)
      expect(absent.map(({ fields }) => fields.firstName)).toEqual(['Eve'])
      expect(await users.absentUsers('run_2', 0)).toEqual([])
      expect(await users.absentUsers('run_1', 9)).toEqual([])
      expect(await users.absentUsers('run_none', 9)).toEqual([])
      await users.close()
    })

    test('nothing of a commit shows before it, and nothing of a dry run ever', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada])
      const { place } = await follow(users, start)
      const ledger = await users.begin(ledgerOptions('run_2'))
      ledger.plan(plan)
      await applyAll(ledger, [{ ...ada, firstName: 'Ann' }])
      await ledger.close()
      await importAll(users, 'run_3', [{ ...ada, firstName: 'Amy' }], { dryRun: true })
      expect(await users.userChanges(place, 9)).toEqual([])
      const two = await users.begin(ledgerOptions('run_4'))
      two.plan(plan)
      await applyAll(two, [{ ...ada, firstName: 'Ava' }])
      await two.commit(beginning)
      await applyAll(two, [bob])
      await two.commit(done)
      await two.close()
      expect((await follow(users, place, 1)).found).toEqual(['u1 Ava', 'u2 Bob'])
      await users.close()
    })

    test('changeBefore() finds the place of a time', async () => {
      const users = await fresh()
      expect(await users.changeBefore(1e15)).toBe(0)
      await importAll(users, 'run_1', [ada])
      await importAll(users, 'run_2', [bob])
      const from = async (time: number) =>
        (
          await follow(users, {
            change: await users.changeBefore(time),
            id: Number.MAX_SAFE_INTEGER,
          })
        ).found
      expect(await from(1_000)).toEqual(['u1 Ada', 'u2 Bob'])
      expect(await from(1_001)).toEqual(['u2 Bob'])
      expect(await from(2_001)).toEqual([])
      await users.close()
    })

    test('finds users by UUID, by the beginning of a key, by email and by status', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada, { ...bob, active: false }, eve])
      const names = (found: { fields: { firstName: string | null } }[]) =>
        found.map(({ fields }) => fields.firstName)
      expect((await users.userByUuid('u2'))?.fields.firstName).toBe('Bob')
      expect(await users.userByUuid('U2')).toBeUndefined()
      expect(names(await users.searchUsers('ADA@', { limit: 9 }))).toEqual(['Ada'])
      expect(names(await users.searchUsers('u', { limit: 9 }))).toEqual(['Ada', 'Bob', 'Eve'])
      expect(names(await users.searchUsers('u', { limit: 2 }))).toEqual(['Ada', 'Bob'])
      expect(names(await users.searchUsers('u', { limit: 9, active: true }))).toEqual([
        'Ada',
        'Eve',
      ])
      expect(await users.searchUsers('%', { limit: 9 })).toEqual([])
      const all = { limit: 9 }
      expect(names(await users.userList({ ...all, emailKey: 'eve@x.example' }))).toEqual(['Eve'])
      expect(names(await users.userList({ ...all, active: false }))).toEqual(['Bob'])
      expect(names(await users.userList({ after: 1, limit: 1 }))).toEqual(['Bob'])
      await users.close()
    })

    test('finds users by their names once these are entered, by what they are called now', async () => {
      const users = await fresh()
      const all = { limit: 9 }
      const found = async (text: string, options: { active?: boolean } = {}) =>
        (await users.searchUsers(text, { ...all, ...options })).map(
          ({ fields: { firstName, lastName } }) => `${firstName ?? ''} ${lastName ?? ''}`,
        )
      const people = [
        { ...ada, firstName: 'Élodie', lastName: 'TREMBLAY-CÔTÉ' },
        { ...bob, firstName: 'Jan', lastName: 'van der Berg', active: false },
        { ...eve, firstName: 'Eve', lastName: null },
      ]
      await importAll(users, 'run_1', people)
      expect(await found('tremb')).toEqual([])
      await users.enterNames()
      await users.enterNames()
      for (const text of ['tremb', 'Tremblay', 'tremblay-côté', 'élodie tremb', 'TREMBLAY, É']) {
        expect(await found(text), text).toEqual(['Élodie TREMBLAY-CÔTÉ'])
      }
      for (const text of ['van d', 'jan van der berg', 'Van der Berg, Jan']) {
        expect(await found(text), text).toEqual(['Jan van der Berg'])
      }
      expect(await found('van', { active: true })).toEqual([])
      expect(await found('van', { active: false })).toEqual(['Jan van der Berg'])
      expect(await found('Eve')).toEqual(['Eve '])
      expect(await found('der')).toEqual([])
      expect(await found('%')).toEqual([])

      await importAll(users, 'run_2', [{ ...ada, firstName: 'Élodie', lastName: 'Roy' }])
      expect(await found('tremb')).toEqual([])
      await users.enterNames()
      expect(await found('tremb')).toEqual([])
      expect(await found('roy él')).toEqual(['Élodie Roy'])
      await users.revert('run_2', 'revert_1', 9_000)
      await users.enterNames()
      expect(await found('roy')).toEqual([])
      expect(await found('tremb')).toEqual(['Élodie TREMBLAY-CÔTÉ'])
      await users.close()
    })

    test('tells which runs changed a user, and what it had before', async () => {
      const users = await fresh()
      await importAll(users, 'run_1', [ada, bob])
      await importAll(users, 'run_2', [{ ...ada, firstName: 'Ann' }])
      await importAll(users, 'run_3', [{ ...ada, firstName: 'Amy', active: false }])
      expect(await users.userHistory(1, 9)).toMatchObject([
        { runId: 'run_3', before: { firstName: 'Ann', active: true } },
        { runId: 'run_2', before: { firstName: 'Ada', active: true } },
        { runId: 'run_1', before: null },
      ])
      expect(await users.userHistory(2, 9)).toEqual([{ runId: 'run_1', before: null }])
      await users.close()
    })
  })
}
