import { DatabaseSync } from 'node:sqlite'
import type { DeferredRow, RowOutcome } from '../../domain/directory.ts'
import type { RowStore } from './directory-rows.ts'
import { json, number } from '../row.ts'
import { waitingOf, waitingText } from '../waiting.ts'
import type { Waiting } from '../waiting.ts'

// A chain that goes against the order of the file frees one link a round; longer ones are refused.
const maxRounds = 50
const page = 500

export interface SettleOptions {
  rows: RowStore
  /** Fingerprints that are remembered from here on count only when `trial` is ended with true. */
  trial: { begin(): void; end(holds: boolean): void }
  each: (outcome: RowOutcome, deferred: DeferredRow) => Promise<void>
}

/** What one round came to, row by row; beside the directory, whose changes may be taken back. */
function openOutcomes() {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TEMP TABLE outcomes (line INTEGER PRIMARY KEY, body TEXT); BEGIN')
  const insert = db.prepare('INSERT INTO outcomes VALUES (?, ?)')
  const get = db.prepare('SELECT body FROM outcomes WHERE line = ?')
  let refused = 0
  return {
    get refused() {
      return refused
    },
    set(line: number, outcome: RowOutcome): void {
      if (typeof outcome === 'object') refused += 1
      insert.run(line, JSON.stringify(outcome))
    },
    get(line: number): RowOutcome {
      const row = get.get(line)
      return row === undefined ? 'unchanged' : json<RowOutcome>(row, 'body')
    },
    close: () => db.close(),
  }
}

/** Rows that wait until the rest of the file is done: swaps and chains within one file then succeed. */
export function createDeferred(db: DatabaseSync, run: number) {
  const insert = db.prepare('INSERT OR REPLACE INTO deferred VALUES (?, ?, ?)')
  const next = db.prepare(
    'SELECT line, body FROM deferred WHERE run = ? AND line > ? ORDER BY line LIMIT ?',
  )
  const previous = db.prepare(
    'SELECT line, body FROM deferred WHERE run = ? AND line < ? ORDER BY line DESC LIMIT ?',
  )
  const drop = db.prepare('DELETE FROM deferred WHERE run = ? AND line = ?')

  function* all(backwards = false): Generator<{ line: number; waiting: Waiting }> {
    let line = backwards ? Number.MAX_SAFE_INTEGER : -1
    for (;;) {
      const rows = (backwards ? previous : next).all(run, line, page)
      if (rows.length === 0) return
      for (const row of rows) {
        line = number(row, 'line')
        yield { line, waiting: waitingOf(json<Waiting>(row, 'body')) }
      }
    }
  }

  const tryOne = (rows: RowStore, { row, hash, failure, passwordHash }: Waiting): RowOutcome => {
    const outcome = rows.apply({ row, hash, failure: () => failure })
    if (outcome === 'created' && passwordHash !== null) rows.setPassword(row, passwordHash)
    return outcome
  }

  return {
    keep(waiting: Waiting): void {
      insert.run(run, waiting.row.line, waitingText(waiting))
    },

    /** Decides all of them, and hands back the outcome of each. */
    async settle({ rows, trial, each }: SettleOptions): Promise<void> {
      const decide = async (line: number, waiting: Waiting, outcome: RowOutcome) => {
        drop.run(run, line)
        await each(outcome, waiting)
      }
      for (let round = 0, moved = true; moved && round < maxRounds; round += 1) {
        moved = false
        for (const { line, waiting } of all(round % 2 === 1)) {
          const outcome = tryOne(rows, waiting)
          if (typeof outcome === 'object') continue
          moved = true
          await decide(line, waiting, outcome)
        }
      }
      // What is left are circles, and rows that ask for what others keep: all let go, then see who fails.
      for (let round = 0; ; round += 1) {
        db.exec('SAVEPOINT circle')
        trial.begin()
        if (round < maxRounds) for (const { waiting } of all()) rows.vacate(waiting.row)
        const outcomes = openOutcomes()
        for (const { line, waiting } of all()) outcomes.set(line, tryOne(rows, waiting))
        const settled = outcomes.refused === 0 || round >= maxRounds
        if (!settled) db.exec('ROLLBACK TO circle')
        db.exec('RELEASE circle')
        trial.end(settled)
        for (const { line, waiting } of all()) {
          const outcome = outcomes.get(line)
          if (settled) await decide(line, waiting, outcome)
          else if (typeof outcome === 'object') {
            await decide(line, waiting, tryOne(rows, waiting))
          }
        }
        outcomes.close()
        if (settled) return
      }
    },
  }
}
