import type { NumberedUser } from '../../domain/user-reader.ts'
import { mostLookedAt, mostRead, nameRanges } from '../name-key.ts'
import { number } from '../row.ts'
import { userOf } from '../user-row.ts'
import { changedUsers } from './changes.ts'
import type { Postgres } from './connect.ts'
import type { Place } from './place.ts'

// A statement of the pool must end in time, and hold no lock that a run waits for.
const enteredAtOnce = 50_000
const lastUser = 2 ** 31 - 1

/** Enters the names of users that have changed since it was last called. */
export async function enterNames(sql: Postgres, place: Place): Promise<void> {
  const { directory } = place
  const [row] = await sql`SELECT named, coalesce((SELECT max(change) FROM changes
    WHERE directory = ${directory}), 0) AS last FROM directories WHERE id = ${directory}`
  if (row === undefined || number(row, 'last') <= number(row, 'named')) return
  const last = number(row, 'last')
  let [change, id] = [number(row, 'named'), lastUser]
  for (;;) {
    const [end] = await sql`WITH page AS MATERIALIZED (
        SELECT change, id, ${keyOf(sql)} AS key
        FROM (${changedUsers(sql, place, { change, id, last, limit: enteredAtOnce })}) AS changed
      ), entered AS (
        INSERT INTO names SELECT ${directory}::int, key, id FROM page WHERE key <> ''
        ORDER BY key, id ON CONFLICT DO NOTHING
      )
      SELECT change, id FROM page ORDER BY change DESC, id DESC LIMIT 1`
    if (end === undefined) break
    change = number(end, 'change')
    id = number(end, 'id')
  }
  await sql`UPDATE directories SET named = greatest(named, ${last}) WHERE id = ${directory}`
}

/** Finds users by their names, as far as these are entered. */
export async function searchNames(
  sql: Postgres,
  { directory, users }: Place,
  { text, limit, active }: { text: string; limit: number; active: boolean | undefined },
): Promise<NumberedUser[]> {
  const found: NumberedUser[] = []
  for (const { from, to, first } of nameRanges(text)) {
    const words = first?.map((word) => ` ${word}`)
    // The first name is looked for in the key, so that few users are read; each by its number, whatever the planner
    // thinks of how many there are.
    const rows = await sql`SELECT u.* FROM (
        SELECT * FROM (
          SELECT key, id FROM names WHERE directory = ${directory} AND key >= ${from} AND key < ${to}
          ORDER BY key, id LIMIT ${words === undefined ? mostRead : mostLookedAt}
        ) AS begins
        ${words === undefined ? sql`` : sql`WHERE EXISTS (SELECT FROM unnest(${words}::text[]) AS word WHERE strpos(key, word) > 0)`}
        LIMIT ${mostRead}
      ) AS named CROSS JOIN LATERAL (
        SELECT * FROM ONLY ${sql(users)} WHERE directory = ${directory} AND id = named.id
        ${active === undefined ? sql`` : sql`AND active = ${Number(active)}`} LIMIT 1
      ) AS u
      WHERE key = ${keyOf(sql)} LIMIT ${limit}`
    found.push(...rows.map(userOf))
    if (found.length >= limit) break
  }
  return found
}

const keyOf = (sql: Postgres) =>
  sql`lower(btrim(coalesce("lastName", '') || ' ' || coalesce("firstName", '')) COLLATE "C")`
