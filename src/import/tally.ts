import type { RowReason } from '../domain/importer.ts'
import { zeroCounts } from '../domain/run.ts'
import type { FileNotice, RunCounts } from '../domain/run.ts'
import type { LedgerState, RowOutcome } from '../domain/directory.ts'

// What a run shows (domain/run.ts): the first of each kind tell enough.
const maxNotices = 100

/** Counts of a run as it goes; `rows` is always the sum of the others. */
export interface Tally {
  readonly counts: RunCounts
  /** `count` rows of one outcome, 1 when not given. */
  add(outcome: Exclude<RowOutcome, 'deferred' | object> | 'skipped', count?: number): void
  fail(codes: Iterable<number>): void
  /** Rows that were counted as unchanged are to be looked at. */
  takeBackUnchanged(rows: number): void
  warn(line: number, warnings: readonly RowReason[]): void
  notice(notice: FileNotice): void
  read(): Pick<LedgerState, 'counts' | 'reasons' | 'notices'>
}

/** Goes on from what the ledger has. */
export function createTally(from?: Pick<LedgerState, 'counts' | 'reasons' | 'notices'>): Tally {
  const counts = { ...zeroCounts, ...from?.counts }
  const byCode = new Map(from?.reasons.map(({ code, count }) => [code, count]))
  const notices = [...(from?.notices ?? [])]

  return {
    counts,
    add(outcome, count = 1) {
      counts.rows += count
      counts[outcome] += count
    },
    fail(codes) {
      counts.rows += 1
      counts.failed += 1
      for (const code of new Set(codes)) {
        byCode.set(code, (byCode.get(code) ?? 0) + 1)
      }
    },
    takeBackUnchanged(rows) {
      counts.rows -= rows
      counts.unchanged -= rows
    },
    warn(line, warnings) {
      for (const { code, sentence } of warnings) {
        if (notices.length >= maxNotices) return
        notices.push({ code, sentence: `Line ${line}: ${sentence}` })
      }
    },
    notice(notice) {
      notices.unshift(notice)
      if (notices.length > maxNotices) notices.length = maxNotices
    },
    read: () => ({
      counts: { ...counts },
      reasons: [...byCode]
        .map(([code, count]) => ({ code, count }))
        .toSorted((a, b) => b.count - a.count || a.code - b.code),
      notices: [...notices],
    }),
  }
}
