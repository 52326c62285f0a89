import { describe, expect, test } from 'vitest'
import type { Directory, KeySighting } from '../../src/domain/directory.ts'
import { beginning, ledgerOptions } from './directory-rows.ts'
import type { OpenDirectory } from './directory-rows.ts'

const sighting = (key: string, line: number, content: number): KeySighting => ({
  field: 'ID',
  key,
  value: key,
  line,
  content,
})

/** How every directory judges rows of one file that have a key in common. */
export function sightingsContract(name: string, open: OpenDirectory): void {
  let tenants = 0
  const fresh = async (): Promise<{ directory: Directory }> => {
    tenants += 1
    return { directory: await open(`ten_${name.toLowerCase()}_sighted_${tenants}`) }
  }

  describe(`the directory contract, rows with a key in common: ${name}`, () => {
    test('judge() skips rows that repeat another and fails rows that contradict one', async () => {
      const { directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      await ledger.sight([
        sighting('u:same', 2, 1),
        sighting('u:alone', 3, 2),
        sighting('u:other', 4, 3),
      ])
      await ledger.sight([
        sighting('u:same', 5, 1),
        sighting('u:other', 6, 4),
        sighting('e:other', 6, 4),
        sighting('e:other', 7, 5),
        sighting('u:same', 8, 1),
      ])
      await ledger.judge()
      const verdicts = await ledger.verdicts(1, 100)
      expect(verdicts.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8])
      expect(verdicts[1]).toEqual({ line: 5, reasons: null, lines: [2] })
      expect(verdicts[4]).toEqual({ line: 8, reasons: null, lines: [2] })
      expect(verdicts[0]?.reasons).toMatchObject([{ code: 9110, field: 'ID' }])
      expect(verdicts[0]?.reasons?.[0]?.sentence).toContain('line 6')
      expect(
        verdicts[2]?.reasons?.map(({ sentence }) => /line \d/.exec(sentence)?.[0]).toSorted(),
      ).toEqual(['line 4', 'line 7'])
      expect((await ledger.verdicts(5, 2)).map(({ line }) => line)).toEqual([5, 6])
      await ledger.commit(beginning)
      await ledger.close()
      const again = await directory.begin(ledgerOptions('run_1'))
      expect(await again.verdicts(1, 100)).toEqual(verdicts)
      await again.close()
      await directory.close()
    })

    test('judge() without sightings judges nothing', async () => {
      const { directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      await ledger.judge()
      expect(await ledger.verdicts(1, 100)).toEqual([])
      await ledger.close()
      await directory.close()
    })

    test('judge() goes through more keys, and more lines of one key, than it reads at once', async () => {
      const { directory } = await fresh()
      const ledger = await directory.begin(ledgerOptions('run_1'))
      // One key on each second line of 24,000, and 3,000 keys on two lines each.
      const repeated = Array.from({ length: 12_000 }, (_, n) => sighting('u:one', 2 * n + 2, 7))
      const pairs = Array.from({ length: 6_000 }, (_, n) =>
        sighting(`e:${n % 3_000}`, 2 * n + 3, n),
      )
      for (let at = 0; at < repeated.length; at += 3_000) {
        await ledger.sight(repeated.slice(at, at + 3_000))
      }
      await ledger.sight(pairs)
      await ledger.judge()
      const found: number[] = []
      const kinds = { skipped: 0, failed: 0 }
      for (let line = 0; ; line = (found.at(-1) ?? 0) + 1) {
        const page = await ledger.verdicts(line, 1_000)
        if (page.length === 0) break
        found.push(...page.map((verdict) => verdict.line))
        for (const { reasons } of page) kinds[reasons === null ? 'skipped' : 'failed'] += 1
      }
      expect(kinds).toEqual({ skipped: 11_999, failed: 6_000 })
      expect(new Set(found).size).toBe(17_999)
      expect(found).toEqual(found.toSorted((a, b) => a - b))
      await ledger.close()
      await directory.close()
    })
  })
}
