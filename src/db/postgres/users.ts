import { comparisonKey } from '../../domain/user.ts'
import type { NumberedUser, UserChange, UserReader, UserVersion } from '../../domain/user-reader.ts'
import { lastCharacter, mostLookedAt } from '../name-key.ts'
import { number, optionalText, text } from '../row.ts'
import type { Row } from '../row.ts'
import { fieldsOf, userOf } from '../user-row.ts'
import { changedUsers } from './changes.ts'
import type { Postgres } from './connect.ts'
import { searchNames } from './names.ts'
import { placeKeeper } from './place.ts'
import { createPresence } from './presence.ts'

const searched = [
  { column: 'email_key', key: comparisonKey },
  { column: 'username_key', key: comparisonKey },
  { column: 'UserUUID', key: (given: string) => given },
] as const

function storedChange(row: Row): UserChange {
  const user = userOf(row)
  return { change: number(row, 'change'), id: user.id, kind: 'stored', user }
}

function removedChange(row: Row): UserChange {
  return {
    change: number(row, 'change'),
    id: number(row, 'id'),
    kind: 'removed',
    at: number(row, 'at'),
    UserUUID: optionalText(row, 'UserUUID'),
    email: optionalText(row, 'email'),
    username: optionalText(row, 'username'),
  }
}

function versionOf(row: Row): UserVersion {
  const runId = text(row, 'run_id')
  if (row['user_id'] === null) return { runId, before: null }
  const fields = fieldsOf((field) => optionalText(row, field))
  return { runId, before: { ...fields, active: number(row, 'active') === 1 } }
}

// A user's number is an integer; who asks from behind all of them gives a larger one.
const place = (id: number): number => Math.min(id, 2 ** 31 - 1)

/** What is read of a directory's users beside its imports. */
export function userReader(sql: Postgres, directory: number): Omit<UserReader, 'close'> {
  const placeNow = placeKeeper(sql, directory)
  const usersNow = async () => (await placeNow()).users
  return {
    async userList({ after = 0, limit, active, emailKey }) {
      const users = await usersNow()
      const rows =
        await sql`SELECT * FROM ONLY ${sql(users)} WHERE directory = ${directory} AND id > ${place(after)}
        ${active === undefined ? sql`` : sql`AND active = ${Number(active)}`}
        ${emailKey === undefined ? sql`` : sql`AND email_key = ${emailKey}`}
        ORDER BY id LIMIT ${limit}`
      return rows.map(userOf)
    },
    async userByUuid(uuid) {
      const users = await usersNow()
      const [row] =
        await sql`SELECT * FROM ONLY ${sql(users)} WHERE directory = ${directory} AND "UserUUID" = ${uuid}`
      return row && userOf(row)
    },
    async searchUsers(given, { limit, active }) {
      const looked = active === undefined ? limit : mostLookedAt
      const found = new Map<number, NumberedUser>()
      const users = await usersNow()
      for (const { column, key } of searched) {
        const from = key(given)
        const rows = await sql`SELECT * FROM (
            SELECT * FROM ONLY ${sql(users)} WHERE directory = ${directory} AND ${sql(column)} >= ${from}
              AND ${sql(column)} < ${from + lastCharacter} ORDER BY ${sql(column)} LIMIT ${looked}
          ) AS begins ${active === undefined ? sql`` : sql`WHERE active = ${Number(active)}`}
          ORDER BY ${sql(column)} LIMIT ${limit}`
        for (const user of rows.map(userOf)) found.set(user.id, user)
      }
      const named = await searchNames(sql, await placeNow(), { text: given, limit, active })
      for (const user of named) found.set(user.id, user)
      return [...found.values()].slice(0, limit)
    },
    async userChanges({ change, id }, limit) {
      // One statement, so that both lists show the same commits.
      const rows = await sql`
        WITH stored AS (
          ${changedUsers(sql, await placeNow(), { change, id: place(id), limit })}
        ), gone AS (
          SELECT removed_users.*, changes.at FROM removed_users JOIN changes USING (directory, change)
          WHERE directory = ${directory} AND (change, id) > (${change}, ${place(id)})
          ORDER BY change, id LIMIT ${limit}
        )
        SELECT stored.change, stored.id, to_json(stored) AS user, NULL::bigint AS at, NULL AS "UserUUID", NULL AS email,
          NULL AS username FROM stored
        UNION ALL
        SELECT gone.change, gone.id, NULL, gone.at, gone."UserUUID", gone.email, gone.username FROM gone
        ORDER BY change, id LIMIT ${limit}`
      return rows.map((row) => {
        const user: unknown = row['user']
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a row of the table users
        return user === null ? removedChange(row) : storedChange(user as Row)
      })
    },
    async changeBefore(time) {
      const [row] =
        await sql`SELECT max(change) AS change FROM changes WHERE directory = ${directory} AND at < ${time}`
      return Number(row?.['change'] ?? 0)
    },
    async absentUsers(runId, limit) {
      const [ledger] =
        await sql`SELECT seq FROM ledger WHERE directory = ${directory} AND run_id = ${runId}`
      if (ledger === undefined) return []
      const presence = createPresence(sql, await placeNow(), number(ledger, 'seq'))
      const present = await presence.kept()
      if (present === undefined) return []
      const ids = await presence.firstAbsent(present, limit)
      const rows = await sql`SELECT * FROM ONLY ${sql(await usersNow())}
        WHERE directory = ${directory} AND id = ANY(${ids}::int[]) ORDER BY id`
      return rows.map(userOf)
    },
    async userHistory(id, limit) {
      const users = await usersNow()
      const rows = await sql`SELECT ledger.run_id, before_images.* FROM ledger
        LEFT JOIN before_images ON run = seq AND user_id = ${place(id)}
        WHERE directory = ${directory} AND (user_id IS NOT NULL
          OR seq = (SELECT created_run FROM ONLY ${sql(users)} WHERE directory = ${directory} AND id = ${place(id)}))
        ORDER BY seq DESC LIMIT ${limit}`
      return rows.map(versionOf)
    },
  }
}
