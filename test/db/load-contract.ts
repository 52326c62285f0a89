import { describe, expect, test } from 'vitest'
import type { Directory } from '../../src/domain/directory.ts'
import {
  ada,
  applyAll,
  beginning,
  bob,
  done,
  eve,
  importAll,
  importRow,
  ledgerOptions,
  plan,
  usersOf,
} from './directory-rows.ts'

/** A directory of its own, and what is known of the indexes of its users from outside. */
export interface LoadedDirectory {
  /** Opens it, as the next process does. */
  open: () => Promise<Directory>
  /** The indexes that it has now, by what they are of. */
  indexes: () => Promise<string[]>
  /** Those that it is to have. */
  all: string[]
  /** Those that it has while a load goes on. */
  during?: string[]
  /** Whether a first load has begun in it, or been. */
  loaded: () => Promise<boolean>
}

export interface LoadContract {
  fresh: () => Promise<LoadedDirectory>
  /** The least rows that are stored without indexes. */
  enough: number
  /** What the database says of two rows with one key. */
  refusal: string
}

/** What the first load of every directory must do. */
export function loadContract(name: string, { fresh, enough, refusal }: LoadContract): void {
  async function begin(directory: Directory, rows = enough) {
    const ledger = await directory.begin(ledgerOptions('run_1'))
    ledger.plan(plan)
    ledger.expect(rows)
    return ledger
  }

  /** A run up to the batch after which the process is killed, with one more row that is lost. */
  async function killed() {
    const made = await fresh()
    const first = await made.open()
    const ledger = await begin(first)
    await ledger.commit(beginning)
    await ledger.apply([importRow({ ...ada, hash: 5 }), importRow(bob)])
    await ledger.commit({ ...beginning, position: 100, line: 4 })
    await ledger.apply([importRow(eve)])
    await ledger.close()
    await first.close()
    expect(await made.indexes()).toEqual(made.during ?? [])
    expect(await made.loaded()).toBe(true)
    return { ...made, directory: await made.open() }
  }

  describe(`the first load of a directory: ${name}`, () => {
    test('makes the indexes at its end, and they hold for the rows after it', async () => {
      const { open, indexes, all } = await fresh()
      const directory = await open()
      const ledger = await begin(directory)
      expect(await applyAll(ledger, [ada, bob])).toEqual({ 2: 'created', 3: 'created' })
      await ledger.commit(done)
      await ledger.close()
      expect(all.length).toBeGreaterThan(3)
      expect(await indexes()).toEqual(all)
      expect((await usersOf(directory)).map(({ UserUUID }) => UserUUID)).toEqual(['u1', 'u2'])
      expect(await importAll(directory, 'run_2', [{ ...bob, email: ada.email }, eve])).toEqual({
        3: '9019',
        4: 'created',
      })
      expect(await directory.revert('run_2', 'run_3', 5)).toEqual({ removed: 1, restored: 0 })
      expect(await usersOf(directory)).toHaveLength(2)
      await directory.close()
    })

    test('goes on after a kill from its last batch: every user once, and every index', async () => {
      const { directory, indexes, all, during = [] } = await killed()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      expect(ledger.stored).toMatchObject({ position: 100, line: 4 })
      ledger.plan(plan)
      expect(await indexes()).toEqual(during)
      expect(await ledger.apply([importRow(eve)])).toEqual(['created'])
      await ledger.settle(async () => undefined)
      await ledger.commit(done)
      await ledger.close()
      expect(await indexes()).toEqual(all)
      expect((await usersOf(directory)).map(({ UserUUID }) => UserUUID)).toEqual(['u1', 'u2', 'u3'])
      expect(await importAll(directory, 'run_2', [ada, bob, eve])).toEqual({
        2: 'unchanged',
        3: 'unchanged',
        4: 'unchanged',
      })
      await directory.close()
    })

    test('is ended by a cancel, with the outcome', async () => {
      const { directory, indexes, all } = await killed()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      ledger.plan(plan)
      await ledger.commit({ ...done, outcome: 'cancelled' })
      await ledger.close()
      expect(await indexes()).toEqual(all)
      expect(await usersOf(directory)).toHaveLength(2)
      await directory.close()
    })

    test('is ended by the next run when its own never comes back', async () => {
      const { directory, indexes, all } = await killed()
      expect(await importAll(directory, 'run_2', [{ ...eve, email: bob.email }])).toEqual({
        4: '9019',
      })
      expect(await indexes()).toEqual(all)
      expect(await usersOf(directory)).toHaveLength(2)
      await directory.close()
    })

    test('is ended by a revert', async () => {
      const { directory, indexes, all } = await killed()
      expect(await directory.revert('run_1', 'run_2', 5)).toEqual({ removed: 2, restored: 0 })
      expect(await indexes()).toEqual(all)
      expect(await usersOf(directory)).toEqual([])
      await directory.close()
    })

    test('whose rows have a key in common after all fails, and the next run takes it back', async () => {
      const { open, indexes, all } = await fresh()
      const directory = await open()
      const ledger = await begin(directory)
      await ledger.commit(beginning)
      await ledger.apply([importRow(ada), importRow({ ...bob, email: ada.email })])
      await ledger.commit(beginning)
      await expect(ledger.settle(async () => undefined)).rejects.toThrow(refusal)
      await ledger.close()
      await directory.close()

      const again = await open()
      expect(await importAll(again, 'run_2', [eve])).toEqual({ 4: 'created' })
      expect(await usersOf(again)).toMatchObject([{ UserUUID: 'u3' }])
      expect(await indexes()).toEqual(all)
      await again.close()
    })

    test('is none for few rows, and where there are users', async () => {
      const { open, loaded } = await fresh()
      const directory = await open()
      const first = await begin(directory, enough - 1)
      expect(await applyAll(first, [ada])).toEqual({ 2: 'created' })
      await first.commit(beginning)
      expect(await loaded()).toBe(false)
      await first.commit(done)
      await first.close()
      const second = await directory.begin(ledgerOptions('run_2'))
      second.plan(plan)
      second.expect(enough)
      await second.commit(beginning)
      expect(await loaded()).toBe(false)
      await second.close()
      await directory.close()
    })

    test('is none in a dry run', async () => {
      const { open, loaded } = await fresh()
      const directory = await open()
      const ledger = await directory.begin(ledgerOptions('run_1', { dryRun: true }))
      ledger.plan(plan)
      ledger.expect(enough)
      expect(await applyAll(ledger, [ada, { ...bob, email: ada.email }])).toEqual({
        2: 'created',
        3: '9019',
      })
      await ledger.commit(done)
      await ledger.close()
      expect(await loaded()).toBe(false)
      expect(await usersOf(directory)).toEqual([])
      await directory.close()
    })
  })
}
