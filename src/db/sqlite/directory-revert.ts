import type { DatabaseSync } from 'node:sqlite'
import type { RevertResult } from '../../domain/directory.ts'
import { AppError } from '../../domain/error.ts'
import { shownList } from '../../domain/reason.ts'
import { createChanges } from './directory-changes.ts'
import { createFingerprints } from './directory-fingerprints.ts'
import { endLoadOfOthers } from './directory-load.ts'
import { imageColumns } from './directory-rows.ts'
import { inTransaction } from './open.ts'
import { number, text } from '../row.ts'
import { isTaken } from './taken.ts'

const idsAtOnce = 10_000
// A message names this many users.
const maxNamed = 20

/** Puts back what a run changed: all of it, or, when something was changed since, nothing. */
export function revertRun(
  db: DatabaseSync,
  { runId, by, now }: { runId: string; by: string; now: number },
): RevertResult {
  return inTransaction(db, () => {
    endLoadOfOthers(db, null)
    const ledger = db.prepare('SELECT seq FROM ledger WHERE run_id = ?').get(runId)
    if (ledger === undefined) return { removed: 0, restored: 0 }
    const run = number(ledger, 'seq')
    const later = db
      .prepare(
        `SELECT coalesce(UserUUID, email, 'user ' || id) AS name FROM users
         WHERE changed_run <> ?1 AND (created_run = ?1 OR id IN (SELECT user_id FROM before_images WHERE run = ?1))
         ORDER BY id LIMIT ?2`,
      )
      .all(run, maxNamed + 1)
      .map((row) => text(row, 'name'))
    if (later.length > 0) {
      throw new AppError(
        'conflict',
        `Cannot revert the import: ${shownList(later)} ${later.length === 1 ? 'was' : 'were'} changed since, revert the later imports first`,
      )
    }
    const fingerprints = createFingerprints(db)
    const ids = db.prepare(
      `SELECT id FROM users WHERE id > ?2 AND (created_run = ?1 OR id IN (SELECT user_id FROM before_images WHERE run = ?1))
       ORDER BY id LIMIT ${idsAtOnce}`,
    )
    for (let last = -1; ;) {
      const rows = ids.all(run, last)
      for (const row of rows) fingerprints.set(number(row, 'id'), 0)
      fingerprints.flush()
      if (rows.length < idsAtOnce) break
      last = number(rows.at(-1) ?? {}, 'id')
    }
    const changes = createChanges(db)
    db.prepare(
      `INSERT INTO removed_users SELECT ?, id, UserUUID, email, username FROM users WHERE created_run = ?`,
    ).run(changes.next, run)
    const removed = Number(db.prepare('DELETE FROM users WHERE created_run = ?').run(run).changes)
    // First let go of the keys, so that addresses that were swapped can be swapped back.
    db.prepare(
      `UPDATE users SET UserUUID = NULL, email_key = NULL, username_key = NULL
       WHERE id IN (SELECT user_id FROM before_images WHERE run = ?)`,
    ).run(run)
    const set = imageColumns.map((column, index) => `${column} = json_extract(body, '$[${index}]')`)
    try {
      const restored = db
        .prepare(
          `UPDATE users SET ${set.join(', ')} FROM before_images AS image
           WHERE image.run = ? AND image.user_id = users.id`,
        )
        .run(run)
      db.prepare(
        'UPDATE users SET changed_at = ?, change = ? WHERE id IN (SELECT user_id FROM before_images WHERE run = ?)',
      ).run(now, changes.next, run)
      changes.keep(now)
      db.prepare('DELETE FROM before_images WHERE run = ?').run(run)
      db.prepare("INSERT OR REPLACE INTO facts VALUES ('changed_by', ?)").run(by)
      return { removed, restored: Number(restored.changes) }
    } catch (error) {
      if (!isTaken(error)) throw error
      throw new AppError(
        'conflict',
        'Cannot revert the import: an email, username or UserUUID that it took from a user has another user since, change that user first',
        { cause: error },
      )
    }
  })
}
