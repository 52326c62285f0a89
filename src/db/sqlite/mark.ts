import type { DatabaseSync } from 'node:sqlite'

// Asking for writes of other connections costs 3 us, ten times as much as asking for our own.
const lookMs = 100

/** A number that grows with every write to the database: at once with those of `db`, soon with those of others. */
export function createMark(db: DatabaseSync): () => number {
  const ours = db.prepare('SELECT total_changes()')
  const others = db.prepare('PRAGMA data_version')
  ours.setReturnArrays(true)
  others.setReturnArrays(true)
  let mark = 0
  let lastOurs: unknown
  let lastOthers: unknown
  let looked = -lookMs

  return () => {
    const own: unknown = ours.get()?.[0]
    if (own !== lastOurs) {
      lastOurs = own
      mark += 1
    }
    const now = performance.now()
    if (now - looked >= lookMs) {
      looked = now
      const other: unknown = others.get()?.[0]
      if (other !== lastOthers) {
        lastOthers = other
        mark += 1
      }
    }
    return mark
  }
}
