import type { Postgres } from './connect.ts'
import type { Place } from './place.ts'

/** Number of the commit to come. */
export async function nextChange(sql: Postgres, directory: number): Promise<number> {
  const [row] = await sql`SELECT max(change) AS last FROM changes WHERE directory = ${directory}`
  return Number(row?.['last'] ?? 0) + 1
}

/** The users that a commit changes, as ranges; more than those does no harm. */
export function createChanged() {
  let ranges: [first: number, last: number][] = []

  return {
    add(first: number, last: number = first): void {
      const before = ranges.at(-1)
      if (before !== undefined && first === before[1] + 1) before[1] = last
      else ranges.push([first, last])
    },
    /** In their order, none with a user of another; they are forgotten. */
    take(): [first: number, last: number][] {
      const taken: [number, number][] = []
      for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
        const before = taken.at(-1)
        if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
        else taken.push([first, last])
      }
      ranges = []
      return taken
    },
  }
}

export type Changed = ReturnType<typeof createChanged>

/** A commit that changes users. */
export interface Commit {
  directory: number
  change: number
  at: number
  /** The run. */
  by: string
  /** Undefined: they are entered by the caller. */
  changed?: Changed
}

/** Numbers the commit that changes users, in their transaction. */
export async function keepChange(sql: Postgres, commit: Commit): Promise<void> {
  const { directory, change, at, by, changed } = commit
  const ranges = changed?.take() ?? []
  if (ranges.length > 0) {
    await sql`INSERT INTO changed_users SELECT ${directory}::int, ${change}::int, * FROM unnest(
      ${ranges.map(([first]) => first)}::int[], ${ranges.map(([, last]) => last)}::int[])`
  }
  await sql`INSERT INTO changes VALUES (${directory}, ${change}, ${at})`
  await sql`UPDATE directories SET changed_by = ${by} WHERE id = ${directory}`
}

/** Which of the changed users: behind the `id` of the commit `change`, up to the commit `last`. */
export interface ChangedAfter {
  change: number
  id: number
  last?: number
  limit: number
}

/** The users that were changed, as a query in the order of `change, id`. */
export function changedUsers(
  sql: Postgres,
  { directory, users }: Place,
  { change, id, last, limit }: ChangedAfter,
) {
  return sql`SELECT u.* FROM changed_users AS c CROSS JOIN LATERAL (
      SELECT * FROM ONLY ${sql(users)} WHERE directory = ${directory} AND change = c.change
        AND id BETWEEN c.first_id AND c.last_id AND id > CASE c.change WHEN ${change} THEN ${id} ELSE 0 END
      ORDER BY id LIMIT ${limit}
    ) AS u
    WHERE c.directory = ${directory} AND c.change >= ${change} ${last === undefined ? sql`` : sql`AND c.change <= ${last}`}
    ORDER BY c.change, c.first_id, u.id LIMIT ${limit}`
}
