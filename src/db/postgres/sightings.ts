import type { KeySighting, Verdict } from '../../domain/directory.ts'
import { firstLines, judgeOne, merged } from '../judge.ts'
import type { Group, Judged } from '../judge.ts'
import { json, number, text } from '../row.ts'
import type { Postgres } from './connect.ts'

const keysAtOnce = 1000
const linesAtOnce = 5000

/** Finds rows of one file that have a key in common; what is seen lies in a temporary table of the session. */
export function createSightings(sql: Postgres, run: number) {
  let made = false

  /** What is known of the keys that several lines have, from behind `last` on. */
  async function groupsAfter(last: string): Promise<Map<string, Group>> {
    const facts =
      await sql`SELECT key, count(*) AS count, min(content) = max(content) AS alike FROM sightings
      WHERE key > ${last} GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT ${keysAtOnce}`
    const keys = facts.map((row) => text(row, 'key'))
    const lines =
      await sql`SELECT k.key, first.line FROM unnest(${keys}::text[]) AS k(key) CROSS JOIN LATERAL (
      SELECT line FROM sightings WHERE sightings.key = k.key ORDER BY line LIMIT ${firstLines}) AS first`
    const first = Map.groupBy(lines, (row) => text(row, 'key'))
    return new Map(
      facts.map((row) => {
        const key = text(row, 'key')
        const group = {
          first: first.get(key)?.map((found) => number(found, 'line')) ?? [],
          count: number(row, 'count'),
          alike: row['alike'] === true,
        }
        return [key, group]
      }),
    )
  }

  /** A key may be on every line of the file: the lines of some keys are read page by page. */
  async function judgeKeys(groups: ReadonlyMap<string, Group>): Promise<void> {
    let [lastKey, lastLine] = ['', -1]
    for (;;) {
      const rows = await sql`SELECT key, line, field, value, content FROM sightings
        WHERE key = ANY(${[...groups.keys()]}::text[]) AND (key, line) > (${lastKey}, ${lastLine})
        ORDER BY key, line LIMIT ${linesAtOnce}`
      const judgements = rows.flatMap((row) => {
        lastKey = text(row, 'key')
        lastLine = number(row, 'line')
        const group = groups.get(lastKey)
        const sighted = {
          line: lastLine,
          field: text(row, 'field'),
          value: text(row, 'value'),
          content: number(row, 'content'),
        }
        const judged = group && judgeOne(sighted, group)
        return judged === undefined ? [] : [{ line: lastLine, judged }]
      })
      if (judgements.length > 0) await keep(judgements)
      if (rows.length < linesAtOnce) return
    }
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
      for (let last = ''; ;) {
        const groups = await groupsAfter(last)
        if (groups.size === 0) break
        await judgeKeys(groups)
        last = [...groups.keys()].at(-1) ?? ''
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
