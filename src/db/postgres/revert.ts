import type { RevertResult } from '../../domain/directory.ts'
import { AppError } from '../../domain/error.ts'
import { shownList } from '../../domain/reason.ts'
import { number, text } from '../row.ts'
import { keepChange, nextChange } from './changes.ts'
import type { Postgres } from './connect.ts'
import { isTaken } from './fault.ts'
import { createFingerprints } from './fingerprints.ts'
import { endLoadOfOthers } from './load.ts'
import { placeOf } from './place.ts'
import type { Place } from './place.ts'
import { imageColumns } from './rows.ts'

// A message names this many users.
const maxNamed = 20

export interface RevertOptions {
  directory: number
  runId: string
  /** Id of this change. */
  by: string
  now: number
}

/** Puts back what a run changed: all of it, or, when something was changed since, nothing. `sql` is a writer's session. */
export async function revertRun(sql: Postgres, options: RevertOptions): Promise<RevertResult> {
  const { directory, runId } = options
  const [ledger] =
    await sql`SELECT seq FROM ledger WHERE directory = ${directory} AND run_id = ${runId}`
  if (ledger === undefined) return { removed: 0, restored: 0 }
  const place = await placeOf(sql, directory)
  await endLoadOfOthers(sql, place, null)
  await sql`BEGIN`
  // What is not committed goes with the session.
  const result = await putBack(sql, options, place, number(ledger, 'seq'))
  await sql`COMMIT`
  return result
}

async function putBack(
  sql: Postgres,
  { directory, by, now }: RevertOptions,
  place: Place,
  run: number,
): Promise<RevertResult> {
  const users = sql(place.users)
  const later =
    await sql`SELECT coalesce("UserUUID", email, 'user ' || id) AS name FROM ONLY ${users}
    WHERE directory = ${directory} AND changed_run <> ${run}
      AND (created_run = ${run} OR id IN (SELECT user_id FROM before_images WHERE run = ${run}))
    ORDER BY id LIMIT ${maxNamed + 1}`
  if (later.length > 0) {
    const names = shownList(later.map((row) => text(row, 'name')))
    throw new AppError(
      'conflict',
      `Cannot revert the import: ${names} ${later.length === 1 ? 'was' : 'were'} changed since, revert the later imports first`,
    )
  }
  const fingerprints = createFingerprints(sql, directory)
  const ids =
    await sql`SELECT id FROM ONLY ${users} WHERE directory = ${directory} AND created_run = ${run}
    UNION SELECT user_id FROM before_images WHERE run = ${run}`
  for (const row of ids) fingerprints.set(number(row, 'id'), 0)
  await fingerprints.flush()
  const change = await nextChange(sql, directory)
  await sql`INSERT INTO removed_users SELECT directory, ${change}::int, id, "UserUUID", email, username
    FROM ONLY ${users} WHERE directory = ${directory} AND created_run = ${run}`
  const { count: removed } =
    await sql`DELETE FROM ONLY ${users} WHERE directory = ${directory} AND created_run = ${run}`
  // First let go of the keys, so that addresses that were swapped can be swapped back.
  await sql`UPDATE ONLY ${users} SET "UserUUID" = NULL, email_key = NULL, username_key = NULL
    WHERE directory = ${directory} AND id IN (SELECT user_id FROM before_images WHERE run = ${run})`
  const set = imageColumns
    .filter((name) => name !== 'changed_at')
    .map((name) => `"${name}" = old."${name}"`)
  try {
    const { count: restored } = await sql.unsafe(
      `UPDATE ONLY ${place.users} AS u SET ${set.join(', ')}, changed_at = $1, change = $4
       FROM before_images AS old WHERE old.run = $2 AND u.directory = $3 AND u.id = old.user_id`,
      [now, run, directory, change],
    )
    await sql`INSERT INTO changed_users SELECT ${directory}::int, ${change}::int, user_id, user_id
      FROM before_images WHERE run = ${run}`
    await sql`DELETE FROM before_images WHERE run = ${run}`
    await keepChange(sql, { directory, change, at: now, by })
    return { removed, restored }
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new AppError(
      'conflict',
      'Cannot revert the import: an email, username or UserUUID that it took from a user has another user since, change that user first',
      { cause: error },
    )
  }
}
