import type { DatabaseSync } from 'node:sqlite'
import { comparisonKey } from '../../domain/user.ts'
import type { NumberedUser, UserChange, UserReader, UserVersion } from '../../domain/user-reader.ts'
import { lastCharacter, mostLookedAt } from '../name-key.ts'
import { json, number, optionalText, text } from '../row.ts'
import { fieldsOf, userOf } from '../user-row.ts'
import { createNameSearch } from './directory-names.ts'
import { createPresence } from './directory-presence.ts'
import { imageColumns } from './directory-rows.ts'

/** What is read of a directory's users beside its imports. */
export function userReader(db: DatabaseSync): Omit<UserReader, 'close'> {
  const beginning = (column: string) =>
    db.prepare(
      `SELECT * FROM (SELECT * FROM users WHERE ${column} >= ?1 AND ${column} < ?2 ORDER BY ${column} LIMIT ?3)
       WHERE ?4 IS NULL OR active = ?4 LIMIT ?5`,
    )
  const keys = [
    { find: beginning('email_key'), key: comparisonKey },
    { find: beginning('username_key'), key: comparisonKey },
    { find: beginning('UserUUID'), key: (given: string) => given },
  ]
  const byName = createNameSearch(db)
  const byUuid = db.prepare('SELECT * FROM users WHERE UserUUID = ?')
  // By steps of the index, so that the place is found without reading the commit from its beginning.
  const sameCommit = db.prepare(
    'SELECT * FROM users WHERE change = ? AND id > ? ORDER BY id LIMIT ?',
  )
  const laterCommits = db.prepare(
    'SELECT * FROM users WHERE change > ? ORDER BY change, id LIMIT ?',
  )
  const removed = db.prepare(
    `SELECT removed_users.*, changes.at FROM removed_users JOIN changes USING (change)
     WHERE (change, id) > (?, ?) ORDER BY change, id LIMIT ?`,
  )
  const byId = db.prepare('SELECT * FROM users WHERE id = ?')
  const seqOf = db.prepare('SELECT seq FROM ledger WHERE run_id = ?')
  const before = db.prepare('SELECT max(change) AS change FROM changes WHERE at < ?')
  const history = db.prepare(
    `SELECT run_id, body FROM ledger LEFT JOIN before_images ON run = seq AND user_id = ?1
     WHERE body IS NOT NULL OR seq = (SELECT created_run FROM users WHERE id = ?1)
     ORDER BY seq DESC LIMIT ?2`,
  )

  return {
    async userList({ after = 0, limit, active, emailKey }) {
      const where = ['id > ?']
      const values: (number | string)[] = [after]
      if (active !== undefined) {
        where.push(`active = ${active ? 1 : 0}`)
      }
      if (emailKey !== undefined) {
        where.push('email_key = ?')
        values.push(emailKey)
      }
      return db
        .prepare(`SELECT * FROM users WHERE ${where.join(' AND ')} ORDER BY id LIMIT ?`)
        .all(...values, limit)
        .map(userOf)
    },
    async userByUuid(uuid) {
      const row = byUuid.get(uuid)
      return row && userOf(row)
    },
    async searchUsers(given, { limit, active }) {
      const status = active === undefined ? null : Number(active)
      const looked = active === undefined ? limit : mostLookedAt
      const found = new Map<number, NumberedUser>()
      for (const { find, key } of keys) {
        const from = key(given)
        for (const row of find.all(from, from + lastCharacter, looked, status, limit)) {
          const user = userOf(row)
          found.set(user.id, user)
        }
      }
      for (const user of byName(given, { status, limit })) found.set(user.id, user)
      return [...found.values()].slice(0, limit)
    },
    async userChanges({ change, id }, limit) {
      const here = sameCommit.all(change, id, limit)
      const rows =
        here.length < limit ? [...here, ...laterCommits.all(change, limit - here.length)] : here
      const stored = rows.map((row): UserChange => {
        const user = userOf(row)
        return { change: number(row, 'change'), id: user.id, kind: 'stored', user }
      })
      const gone = removed.all(change, id, limit).map((row): UserChange => ({
        change: number(row, 'change'),
        id: number(row, 'id'),
        kind: 'removed',
        at: number(row, 'at'),
        UserUUID: optionalText(row, 'UserUUID'),
        email: optionalText(row, 'email'),
        username: optionalText(row, 'username'),
      }))
      return [...stored, ...gone]
        .toSorted((a, b) => a.change - b.change || a.id - b.id)
        .slice(0, limit)
    },
    async changeBefore(time) {
      return Number(before.get(time)?.['change'] ?? 0)
    },
    async absentUsers(runId, limit) {
      const run = seqOf.get(runId)
      if (run === undefined) return []
      const presence = createPresence(db, number(run, 'seq'))
      const present = presence.kept()
      if (present === undefined) return []
      const rows = presence.firstAbsent(present, limit).map((id) => byId.get(id))
      return rows.filter((row) => row !== undefined).map(userOf)
    },
    async userHistory(id, limit) {
      return history.all(id, limit).map((row): UserVersion => {
        const runId = text(row, 'run_id')
        if (row['body'] === null) return { runId, before: null }
        const image = json<(string | number | null)[]>(row, 'body')
        const at = (column: (typeof imageColumns)[number]) => image[imageColumns.indexOf(column)]
        const fields = fieldsOf((field) => {
          const value = image[imageColumns.findIndex((column) => column === field)]
          return typeof value === 'string' ? value : null
        })
        return { runId, before: { ...fields, active: at('active') === 1 } }
      })
    },
  }
}
