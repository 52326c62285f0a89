import type { DatabaseSync } from 'node:sqlite'
import type { FoundUser, Holders, UniqueKeys } from '../../domain/directory.ts'
import { number, optionalText } from '../row.ts'

const page = 10_000

function has(users: Uint8Array, id: number): boolean {
  return ((users[id >> 3] ?? 0) & (1 << (id & 7))) !== 0
}

/** Which users a full file has: one bit a user. */
export function createPresence(db: DatabaseSync, run: number) {
  const byUuid = db.prepare('SELECT id, email_key, username_key FROM users WHERE UserUUID = ?')
  const byEmail = db.prepare(
    'SELECT id, email_key, username_key FROM users WHERE email_key = ?1 AND (?2 IS NULL OR UserUUID IS NULL)',
  )
  const ofEmail = db.prepare('SELECT id FROM users WHERE email_key = ?')
  const ofUsername = db.prepare('SELECT id FROM users WHERE username_key = ?')
  const active = db.prepare(
    'SELECT id FROM users WHERE active = 1 AND created_run <> ? AND id > ? ORDER BY id LIMIT ?',
  )

  function* actives(): Generator<number> {
    let last = -1
    for (;;) {
      const rows = active.all(run, last, page)
      if (rows.length === 0) return
      for (const row of rows) {
        last = number(row, 'id')
        yield last
      }
    }
  }

  return {
    find(uuid: string | null, emailKey: string | null): FoundUser | undefined {
      const row =
        (uuid === null ? undefined : byUuid.get(uuid)) ??
        (emailKey === null ? undefined : byEmail.get(emailKey, uuid))
      if (row === undefined) return undefined
      return {
        id: number(row, 'id'),
        emailKey: optionalText(row, 'email_key'),
        usernameKey: optionalText(row, 'username_key'),
      }
    },
    holders({ emailKey, usernameKey }: UniqueKeys): Holders {
      const [email, username] = [
        emailKey === null ? undefined : ofEmail.get(emailKey),
        usernameKey === null ? undefined : ofUsername.get(usernameKey),
      ]
      return {
        email: email && number(email, 'id'),
        username: username && number(username, 'id'),
      }
    },
    keep(users: Uint8Array): void {
      db.prepare('INSERT OR REPLACE INTO presence VALUES (?, ?)').run(run, users)
    },
    kept(): Uint8Array | undefined {
      const users = db.prepare('SELECT users FROM presence WHERE run = ?').get(run)?.['users']
      return users instanceof Uint8Array ? users : undefined
    },
    absent(present: Uint8Array): { active: number; absent: number } {
      const counts = { active: 0, absent: 0 }
      for (const id of actives()) {
        counts.active += 1
        if (!has(present, id)) counts.absent += 1
      }
      return counts
    },
    /** Ids of the first absent users. */
    firstAbsent(present: Uint8Array, limit: number): number[] {
      const ids: number[] = []
      for (const id of actives()) {
        if (ids.length >= limit) break
        if (!has(present, id)) ids.push(id)
      }
      return ids
    },
    /** Sets the absent users inactive; `each` is told of every one. */
    deactivate(
      present: Uint8Array,
      { now, change }: { now: number; change: number },
      keepImage: (id: number) => void,
    ): number {
      const update = db.prepare(
        'UPDATE users SET active = 0, changed_run = ?, changed_at = ?, change = ? WHERE id = ?',
      )
      let count = 0
      for (const id of actives()) {
        if (has(present, id)) continue
        keepImage(id)
        update.run(run, now, change, id)
        count += 1
      }
      return count
    },
  }
}
