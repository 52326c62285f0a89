import { number } from '../row.ts'
import type { Postgres } from './connect.ts'

/** Where the users of a directory are: in the table of all, or in one of their own. */
export interface Place {
  readonly directory: number
  /** Name of the table; to be read by ONLY. */
  users: string
}

/** Name of the table that a directory has alone, when it has one. */
export function ownTable(directory: number): string {
  return `users_${directory}`
}

/** The place as it is now. */
export async function placeOf(sql: Postgres, directory: number): Promise<Place> {
  const [row] = await sql`SELECT own FROM directories WHERE id = ${directory}`
  const own = row !== undefined && number(row, 'own') === 1
  return { directory, users: own ? ownTable(directory) : 'users' }
}

/** The place for those who read now and then: it is asked for until the users have moved, which they do once. */
export function placeKeeper(sql: Postgres, directory: number): () => Promise<Place> {
  let known: Place | undefined
  return async () => {
    if (known !== undefined) return known
    const place = await placeOf(sql, directory)
    if (place.users !== 'users') known = place
    return place
  }
}
