import { describe, expect, test } from 'vitest'
import type { Directory } from '../../src/domain/directory.ts'
import type { RowFailure } from '../../src/domain/importer.ts'
import { done, ledgerOptions } from './directory-rows.ts'
import type { OpenDirectory } from './directory-rows.ts'

const failure = (line: number, code = 9030, raw: string | null = null): RowFailure => ({
  line,
  reasons: [{ code, field: 'email', sentence: `why ${code}` }],
  cells: [`of line ${line}`],
  raw,
})

type Kept = [failure: RowFailure, hash: number]

/** A run that keeps `first` anew, and then records that failed before, by line and index. */
async function run(
  directory: Directory,
  id: string,
  {
    rules = 7,
    fresh = [],
    again = [],
    dryRun = false,
  }: { rules?: number; fresh?: Kept[]; again?: [line: number, index: number][]; dryRun?: boolean },
) {
  const ledger = await directory.begin(ledgerOptions(id, { dryRun }))
  const before = await ledger.failedBefore(rules)
  for (const [one, hash] of fresh) await ledger.fail(one, hash)
  for (const [line, index] of again) await ledger.failAgain(line, index)
  const counts = { ...done.counts, failed: fresh.length + again.length }
  await ledger.commit({ ...done, counts })
  await ledger.close()
  const { hashes } = before
  return { hashes, codes: hashes.map((_, index) => before.codes(index + 1)) }
}

const failures = (directory: Directory, id: string) => directory.failures(id, { limit: 100 })

/** How every directory keeps what failed by itself, for the runs after it. */
export function failedBeforeContract(name: string, open: OpenDirectory): void {
  let tenants = 0
  const another = async (): Promise<Directory> => {
    tenants += 1
    return open(`ten_${name.toLowerCase()}_failed_${tenants}`)
  }

  describe(`Ledger.failedBefore(): ${name}`, () => {
    test('gives what failed by itself under the same rules, and nothing else', async () => {
      const directory = await another()
      const fresh: Kept[] = [
        [failure(2), 11],
        [failure(3, 9019), 0],
        [failure(5, 9105, 'one, cell, too, many'), 13],
        [failure(9, 9033), 14],
      ]
      expect(await run(directory, 'run_1', { fresh })).toEqual({ hashes: [], codes: [] })
      expect(await run(directory, 'run_2', { rules: 8 })).toEqual({ hashes: [], codes: [] })
      expect(await run(directory, 'run_3', {})).toEqual({
        hashes: [11, 14],
        codes: [[9030], [9033]],
      })
    })

    test('gives those of the run that most failed in, of the runs of late', async () => {
      const directory = await another()
      await run(directory, 'run_1', { fresh: [[failure(2), 11]] })
      await run(directory, 'run_2', {
        fresh: [
          [failure(2), 21],
          [failure(3), 22],
        ],
      })
      await run(directory, 'run_3', { fresh: [[failure(4), 31]] })
      expect((await run(directory, 'run_4', {})).hashes).toEqual([21, 22])
      for (let i = 5; i < 13; i += 1) await run(directory, `run_${i}`, {})
      expect((await run(directory, 'run_20', {})).hashes).toEqual([])
    })
  })

  describe(`Ledger.failAgain(): ${name}`, () => {
    test('keeps the same failure on another line, one after the other and out of order', async () => {
      const directory = await another()
      const fresh = [2, 3, 7, 8, 20].map((line): Kept => [failure(line, 9000 + line), line])
      await run(directory, 'run_1', { fresh })
      const again: [number, number][] = [
        [4, 1],
        [5, 2],
        [9, 3],
        // The next of them, but a line has come between.
        [11, 4],
        [12, 5],
        [13, 4],
        [14, 4],
        [15, 1],
      ]
      await run(directory, 'run_2', { fresh: [[failure(6), 0]], again })
      const lines = [2, 3, 7, 8, 20]
      const expected = again.map(([line, index]) => {
        const of = lines[index - 1] ?? 0
        return { ...failure(of, 9000 + of), line }
      })
      const all = [...expected, failure(6)].toSorted((a, b) => a.line - b.line)
      expect(await failures(directory, 'run_2')).toEqual(all)
      expect(await directory.failures('run_2', { limit: 9, code: 9002 })).toEqual(
        all.filter(({ reasons }) => reasons[0]?.code === 9002),
      )
      expect(await directory.hasRawFailures('run_2')).toBe(false)

      // And again of what was kept so: it has a body all the same.
      const third: [number, number][] = [
        [30, 1],
        [31, 2],
      ]
      const { codes } = await run(directory, 'run_3', { again: third })
      expect(codes).toHaveLength(8)
      expect(await failures(directory, 'run_3')).toEqual([
        { ...failure(2, 9002), line: 30 },
        { ...failure(3, 9003), line: 31 },
      ])
      const dry = await run(directory, 'run_4', { again: [[40, 2]], dryRun: true })
      expect(dry.hashes).toHaveLength(8)
      expect(await failures(directory, 'run_4')).toEqual([{ ...failure(3, 9003), line: 40 }])
    })
  })
}
