import type { DatabaseSync } from 'node:sqlite'

/** Numbers the commits that change users; `keep` belongs into the transaction of the users. */
export function createChanges(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO changes VALUES (?, ?)')
  let next = Number(db.prepare('SELECT max(change) AS last FROM changes').get()?.['last'] ?? 0) + 1

  return {
    /** Number of the commit to come. */
    get next(): number {
      return next
    },
    keep(at: number): void {
      insert.run(next, at)
      next += 1
    },
  }
}
