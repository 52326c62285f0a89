import type { KeySighting, Verdict } from '../../domain/directory.ts'
import { judgeGroup, merged } from '../judge.ts'
import type { Judged, Sighted } from '../judge.ts'
import { json, number, text } from '../row.ts'
import type { Postgres } from './connect.ts'

const keysAtOnce = 1000

/** Finds rows of one file that have a key in common; what is seen lies in a temporary table of the session. */
export function createSightings(sql: Postgres, run: number) {
  let made = false

  async function sightedOf(keys: readonly string[]): Promise<(Sighted & { key: string })[]> {
    const rows = await sql`SELECT key, line, field, value, content FROM sightings
      WHERE key = ANY(${[...keys]}::text[]) ORDER BY key, line`
    return rows.map((row) => ({
      key: text(row, 'key'),
      line: number(row, 'line'),
      field: text(row, 'field'),
      value: text(row, 'value'),
      content: number(row, 'content'),
    }))
  }

  async function keep(judgements: readonly { line: number; judged: Judged }[]): Promise<void> {
    const lines = [...new Set(judgements.map(({ line }) => line))]
    const rows =
      await sql`SELECT line, body FROM verdicts WHERE run = ${run} AND line = ANY(${lines}::int[])`
    const verdicts = new Map(rows.map((row) => [number(row, 'line'), json<Judged>(row, 'body')]))
    for (const { line, judged } of judgements) {
      verdicts.set(line, merged(verdicts.get(line), judged))
    }
    const bodies = [...verdicts.values()].map((judged) => JSON.stringify(judged))
    await sql`INSERT INTO verdicts SELECT ${run}, * FROM unnest(${[...verdicts.keys()]}::int[], ${bodies}::text[])
      ON CONFLICT (run, line) DO UPDATE SET body = excluded.body`
  }

  return {
    async add(found: readonly KeySighting[]): Promise<void> {
      if (found.length === 0) return
      if (!made) {
        made = true
        await sql`CREATE TEMPORARY TABLE sightings (
          key text COLLATE "C" NOT NULL, line integer NOT NULL, field text NOT NULL, value text NOT NULL,
          content bigint NOT NULL
        ) ON COMMIT DROP`
      }
      await sql`INSERT INTO sightings SELECT * FROM unnest(${found.map(({ key }) => key)}::text[],
        ${found.map(({ line }) => line)}::int[], ${found.map(({ field }) => field)}::text[],
        ${found.map(({ value }) => value)}::text[], ${found.map(({ content }) => content)}::bigint[])`
    },
    async judge(): Promise<void> {
      if (!made) return
      await sql`CREATE INDEX sightings_by_key ON sightings (key, line)`
      let last = ''
      for (;;) {
        const rows = await sql`SELECT key FROM sightings WHERE key > ${last}
          GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT ${keysAtOnce}`
        const keys = rows.map((row) => text(row, 'key'))
        if (keys.length === 0) break
        const groups = Map.groupBy(await sightedOf(keys), ({ key }) => key)
        await keep([...groups.values()].flatMap(judgeGroup))
        last = keys.at(-1) ?? ''
      }
      await sql`DROP TABLE sightings`
      made = false
    },
    async verdicts(line: number, limit: number): Promise<Verdict[]> {
      const rows = await sql`SELECT line, body FROM verdicts
        WHERE run = ${run} AND line >= ${line} ORDER BY line LIMIT ${limit}`
      return rows.map((row) => ({ line: number(row, 'line'), ...json<Judged>(row, 'body') }))
    },
    /** The transaction has ended, and the table with it. */
    forget(): void {
      made = false
    },
  }
}
