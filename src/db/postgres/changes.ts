import type { Postgres } from './connect.ts'

/** Number of the commit to come. */
export async function nextChange(sql: Postgres, directory: number): Promise<number> {
  const [row] = await sql`SELECT max(change) AS last FROM changes WHERE directory = ${directory}`
  return Number(row?.['last'] ?? 0) + 1
}

/** Numbers the commit that changes users, in their transaction. `by`: the run. */
export async function keepChange(
  sql: Postgres,
  { directory, change, at, by }: { directory: number; change: number; at: number; by: string },
): Promise<void> {
  await sql`INSERT INTO changes VALUES (${directory}, ${change}, ${at})`
  await sql`UPDATE directories SET changed_by = ${by} WHERE id = ${directory}`
}
