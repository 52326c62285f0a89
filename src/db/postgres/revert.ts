import type { RevertResult } from '../../domain/directory.ts'
import { AppError } from '../../domain/error.ts'
import { shownList } from '../../domain/reason.ts'
import { number, text } from '../row.ts'
import { keepChange, nextChange } from './changes.ts'
import type { Postgres } from './connect.ts'
import { isTaken } from './fault.ts'
import { createFingerprints } from './fingerprints.ts'
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
  await sql`BEGIN`
  // What is not committed goes with the session.
  const result = await putBack(sql, options, number(ledger, 'seq'))
  await sql`COMMIT`
  return result
}

async function putBack(
  sql: Postgres,
  { directory, by, now }: RevertOptions,
  run: number,
): Promise<RevertResult> {
  const later = await sql`SELECT coalesce("UserUUID", email, 'user ' || id) AS name FROM users
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
  const ids = await sql`SELECT id FROM users WHERE directory = ${directory} AND created_run = ${run}
    UNION SELECT user_id FROM before_images WHERE run = ${run}`
  for (const row of ids) fingerprints.set(number(row, 'id'), 0)
  await fingerprints.flush()
  const change = await nextChange(sql, directory)
  await sql`INSERT INTO removed_users SELECT directory, ${change}::int, id, "UserUUID", email, username
    FROM users WHERE directory = ${directory} AND created_run = ${run}`
  const { count: removed } =
    await sql`DELETE FROM users WHERE directory = ${directory} AND created_run = ${run}`
  // First let go of the keys, so that addresses that were swapped can be swapped back.
  await sql`UPDATE users SET "UserUUID" = NULL, email_key = NULL, username_key = NULL
    WHERE directory = ${directory} AND id IN (SELECT user_id FROM before_images WHERE run = ${run})`
  const set = imageColumns
    .filter((name) => name !== 'changed_at')
    .map((name) => `"${name}" = old."${name}"`)
  try {
    const { count: restored } = await sql.unsafe(
      `UPDATE users SET ${set.join(', ')}, changed_at = $1, change = $4
       FROM before_images AS old WHERE old.run = $2 AND users.directory = $3 AND users.id = old.user_id`,
      [now, run, directory, change],
    )
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
