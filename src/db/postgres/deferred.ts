import type { DeferredRow, ImportRow, RowOutcome } from '../../domain/directory.ts'
import { json, number } from '../row.ts'
import { waitingOf, waitingText } from '../waiting.ts'
import type { Waiting } from '../waiting.ts'
import type { Postgres } from './connect.ts'
import type { RowStore } from './rows.ts'

// A chain that goes against the order of the file frees one link a round; longer ones are refused.
const maxRounds = 50
const page = 500
const lastLine = 2 ** 31 - 1

interface Kept {
  line: number
  waiting: Waiting
}

export interface SettleOptions {
  rows: RowStore
  /** Fingerprints that are remembered from here on count only when `trial` is ended with true. */
  trial: { begin(): void; end(holds: boolean): void }
  each: (outcome: RowOutcome, deferred: DeferredRow) => Promise<void>
}

/** Rows that wait until the rest of the file is done: swaps and chains within one file then succeed. */
export function createDeferred(sql: Postgres, run: number) {
  async function* pages(backwards = false): AsyncGenerator<Kept[]> {
    let line = backwards ? lastLine : -1
    for (;;) {
      const rows = backwards
        ? await sql`SELECT line, body FROM deferred WHERE run = ${run} AND line < ${line} ORDER BY line DESC LIMIT ${page}`
        : await sql`SELECT line, body FROM deferred WHERE run = ${run} AND line > ${line} ORDER BY line LIMIT ${page}`
      const kept = rows.map((row) => ({
        line: number(row, 'line'),
        waiting: waitingOf(json<Waiting>(row, 'body')),
      }))
      const last = kept.at(-1)
      if (last === undefined) return
      line = last.line
      yield kept
    }
  }

  const rowsOf = (kept: readonly Kept[]): ImportRow[] =>
    kept.map(({ waiting: { row, hash, failure } }) => ({ row, hash, failure: () => failure }))

  async function tryAll(rows: RowStore, kept: readonly Kept[]): Promise<RowOutcome[]> {
    const { outcomes, created } = await rows.apply(rowsOf(kept))
    const hashes = new Map<number, string>()
    for (const { waiting } of kept) {
      const id = created.get(waiting.row)
      if (id !== undefined && waiting.passwordHash !== null) hashes.set(id, waiting.passwordHash)
    }
    await rows.setPasswords(hashes)
    return outcomes
  }

  async function drop(lines: readonly number[]): Promise<void> {
    if (lines.length === 0) return
    await sql`DELETE FROM deferred WHERE run = ${run} AND line = ANY(${[...lines]}::int[])`
  }

  return {
    async keep(waiting: readonly Waiting[]): Promise<void> {
      if (waiting.length === 0) return
      const lines = waiting.map(({ row }) => row.line)
      await sql`INSERT INTO deferred SELECT ${run}, * FROM unnest(${lines}::int[], ${waiting.map(waitingText)}::text[])
        ON CONFLICT (run, line) DO UPDATE SET body = excluded.body`
    },

    /** Decides all of them, and hands back the outcome of each. */
    async settle({ rows, trial, each }: SettleOptions): Promise<void> {
      const decide = async (kept: readonly Kept[], outcomes: readonly RowOutcome[]) => {
        await drop(kept.map(({ line }) => line))
        for (const [index, { waiting }] of kept.entries()) {
          await each(outcomes[index] ?? 'unchanged', waiting)
        }
      }
      for (let round = 0, moved = true; moved && round < maxRounds; round += 1) {
        moved = false
        for await (const kept of pages(round % 2 === 1)) {
          const outcomes = await tryAll(rows, kept)
          const passed = kept.filter((_, index) => typeof outcomes[index] === 'string')
          if (passed.length === 0) continue
          moved = true
          await decide(
            passed,
            outcomes.filter((outcome) => typeof outcome === 'string'),
          )
        }
      }
      // What is left are circles, and rows that ask for what others keep: all let go, then see who fails.
      for (let round = 0; ; round += 1) {
        await sql`SAVEPOINT circle`
        trial.begin()
        if (round < maxRounds) {
          for await (const kept of pages())
            await rows.vacate(kept.map(({ waiting }) => waiting.row))
        }
        const outcomes = new Map<number, RowOutcome>()
        for await (const kept of pages()) {
          for (const [index, outcome] of (await tryAll(rows, kept)).entries()) {
            outcomes.set(kept[index]?.line ?? -1, outcome)
          }
        }
        const refused = ({ line }: Kept): boolean => typeof outcomes.get(line) === 'object'
        const settled = round >= maxRounds || ![...outcomes.values()].some(isRefusal)
        if (!settled) await sql`ROLLBACK TO SAVEPOINT circle`
        await sql`RELEASE SAVEPOINT circle`
        trial.end(settled)
        for await (const kept of pages()) {
          if (settled) {
            await decide(
              kept,
              kept.map(({ line }) => outcomes.get(line) ?? 'unchanged'),
            )
            continue
          }
          const failed = kept.filter(refused)
          await decide(failed, await tryAll(rows, failed))
        }
        if (settled) return
      }
    },
  }
}

function isRefusal(outcome: RowOutcome): boolean {
  return typeof outcome === 'object'
}
