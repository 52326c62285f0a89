import type { DatabaseSync } from 'node:sqlite'
import type { KeySighting, Verdict } from '../../domain/directory.ts'
import { firstLines, judgeOne, merged } from '../judge.ts'
import type { Judged } from '../judge.ts'
import { json, number, text } from '../row.ts'

const linesAtOnce = 1000

/** Finds rows of one file that have a key in common; what is seen lies on the disk, not in memory. */
export function createSightings(db: DatabaseSync, run: number) {
  db.exec(`
    DROP TABLE IF EXISTS temp.sightings;
    CREATE TEMP TABLE sightings (
      key TEXT NOT NULL, line INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, content INTEGER NOT NULL
    ) STRICT`)
  const insert = db.prepare('INSERT INTO temp.sightings VALUES (?, ?, ?, ?, ?)')
  const ofKey = db.prepare(
    'SELECT line, field, value, content FROM temp.sightings WHERE key = ? AND line > ? ORDER BY line LIMIT ?',
  )
  const firstOf = db.prepare('SELECT line FROM temp.sightings WHERE key = ? ORDER BY line LIMIT ?')
  const ofGroup = db.prepare(
    'SELECT count(*) AS count, min(content) = max(content) AS alike FROM temp.sightings WHERE key = ?',
  )
  const keep = db.prepare('INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)')
  const kept = db.prepare('SELECT body FROM verdicts WHERE run = ? AND line = ?')
  const from = db.prepare(
    'SELECT line, body FROM verdicts WHERE run = ? AND line >= ? ORDER BY line LIMIT ?',
  )

  function keepMerged(line: number, judged: Judged): void {
    const row = kept.get(run, line)
    const before = row === undefined ? undefined : json<Judged>(row, 'body')
    keep.run(run, line, JSON.stringify(merged(before, judged)))
  }

  /** A key may be on every line of the file: its lines are read page by page. */
  function judgeKey(key: string): void {
    const facts = ofGroup.get(key) ?? {}
    const group = {
      first: firstOf.all(key, firstLines).map((row) => number(row, 'line')),
      count: number(facts, 'count'),
      alike: number(facts, 'alike') === 1,
    }
    for (let last = -1; ;) {
      const rows = ofKey.all(key, last, linesAtOnce)
      for (const row of rows) {
        last = number(row, 'line')
        const sighted = {
          line: last,
          field: text(row, 'field'),
          value: text(row, 'value'),
          content: number(row, 'content'),
        }
        const judged = judgeOne(sighted, group)
        if (judged !== undefined) keepMerged(last, judged)
      }
      if (rows.length < linesAtOnce) return
    }
  }

  return {
    add(found: readonly KeySighting[]): void {
      for (const { key, line, field, value, content } of found) {
        insert.run(key, line, field, value, content)
      }
    },
    judge(): void {
      db.exec('CREATE INDEX IF NOT EXISTS temp.sightings_by_key ON sightings (key, line)')
      const groups = db.prepare(
        'SELECT key FROM temp.sightings WHERE key > ? GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT 1000',
      )
      let last = ''
      for (;;) {
        const keys = groups.all(last).map((row) => text(row, 'key'))
        if (keys.length === 0) break
        for (const key of keys) judgeKey(key)
        last = keys.at(-1) ?? ''
      }
      db.exec('DROP TABLE temp.sightings')
    },
    verdicts(line: number, limit: number): Verdict[] {
      return from
        .all(run, line, limit)
        .map((row) => ({ line: number(row, 'line'), ...json<Judged>(row, 'body') }))
    },
  }
}
