import type { DatabaseSync } from 'node:sqlite'
import type { KeySighting, Verdict } from '../../domain/directory.ts'
import type { RowReason } from '../../domain/importer.ts'
import { rowReason, shown } from '../../domain/reason.ts'
import { json, number, text } from '../row.ts'

// A sentence names this many lines; a file of one repeated key would make sentences as long as itself.
const maxNamedLines = 50

interface Judged {
  reasons: RowReason[] | null
  /** The first of those that are alike, or all that it conflicts with. */
  lines: number[]
}

/** `lines 3, 5 and 8`: all of `lines` but the one at `index`. */
function otherLines(lines: readonly number[], index: number): string {
  const others = lines.slice(0, maxNamedLines + 1).filter((_, at) => at !== index)
  const named = others.slice(0, maxNamedLines).map(String)
  if (lines.length === 2) return `line ${named[0]}`
  const more = lines.length - 1 - named.length
  if (more > 0) named.push(`${more} more`)
  const last = named.pop() ?? ''
  return `lines ${named.join(', ')} and ${last}`
}

/** Finds rows of one file that have a key in common; what is seen lies on the disk, not in memory. */
export function createSightings(db: DatabaseSync, run: number) {
  db.exec(`
    DROP TABLE IF EXISTS temp.sightings;
    CREATE TEMP TABLE sightings (
      key TEXT NOT NULL, line INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, content INTEGER NOT NULL
    ) STRICT`)
  const insert = db.prepare('INSERT INTO temp.sightings VALUES (?, ?, ?, ?, ?)')
  const keep = db.prepare('INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)')
  const kept = db.prepare('SELECT body FROM verdicts WHERE run = ? AND line = ?')
  const from = db.prepare(
    'SELECT line, body FROM verdicts WHERE run = ? AND line >= ? ORDER BY line LIMIT ?',
  )

  /** A row may share each of its keys with others: a conflict by one of them is a conflict. */
  function merge(line: number, judged: Judged): void {
    const row = kept.get(run, line)
    const before = row === undefined ? undefined : json<Judged>(row, 'body')
    // One conflict, though by two keys: said once.
    if (before?.reasons && judged.reasons && before.lines.join() === judged.lines.join()) return
    const reasons =
      before?.reasons || judged.reasons
        ? [...(before?.reasons ?? []), ...(judged.reasons ?? [])]
        : null
    const lines = reasons === null ? (before?.lines ?? judged.lines) : judged.lines
    keep.run(run, line, JSON.stringify({ reasons, lines }))
  }

  function judgeGroup(key: string): void {
    const rows = db
      .prepare('SELECT line, field, value, content FROM temp.sightings WHERE key = ? ORDER BY line')
      .all(key)
    const lines = rows.map((row) => number(row, 'line'))
    const alike = new Set(rows.map((row) => number(row, 'content'))).size === 1
    const first = lines[0] ?? 0
    for (const [index, row] of rows.entries()) {
      const line = lines[index] ?? 0
      if (alike) {
        if (index > 0) merge(line, { reasons: null, lines: [first] })
        continue
      }
      const others = otherLines(lines, index)
      const field = text(row, 'field')
      const reason = rowReason(9110, field, {
        field: shown(field),
        value: text(row, 'value'),
        lines: others,
      })
      const named = lines.filter((_, at) => at !== index).slice(0, maxNamedLines)
      merge(line, { reasons: [reason], lines: named })
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
        for (const key of keys) judgeGroup(key)
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
