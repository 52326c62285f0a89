import type { Place } from './place.ts'

export interface LookUp {
  place: Place
  by: 'id' | 'UserUUID' | 'email_key' | 'username_key'
  /** What is wanted of the users. */
  columns: string
}

/**
 * `found`: the users with the keys in the array `$2` of the directory `$1`, as a table with `key` and the columns.
 *
 * Each key is looked up in its index, whatever the planner believes of the table: of a directory that was loaded a
 * minute ago it knows nothing, and would read all of it for each array. Two of a key tell that there are several.
 */
export function lookUp({ place, by, columns }: LookUp): string {
  const type = by === 'id' ? 'int' : 'text'
  return `(SELECT k.key, u.* FROM unnest($2::${type}[]) AS k(key) CROSS JOIN LATERAL (
    SELECT ${columns} FROM ONLY ${place.users} WHERE directory = $1 AND "${by}" = k.key LIMIT 2
  ) AS u) AS found`
}
