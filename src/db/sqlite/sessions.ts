import type { DatabaseSync } from 'node:sqlite'
import type { SessionStore } from '../../domain/state.ts'
import { sessionOf } from '../mapping.ts'

/** The console's sessions and one-time links of `state.db`, by their hashes. */
export function sessionStore(db: DatabaseSync): SessionStore {
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const byHash = db.prepare('SELECT * FROM sessions WHERE hash = ?')
  const remove = db.prepare('DELETE FROM sessions WHERE hash = ? RETURNING *')
  const expire = db.prepare('DELETE FROM sessions WHERE expires_at <= ?')

  return {
    async create(session) {
      expire.run(session.createdAt)
      insert.run(
        session.hash,
        session.kind,
        session.scope,
        session.tenantId,
        session.tokenHash,
        session.name,
        session.createdAt,
        session.expiresAt,
      )
    },
    async get(hash) {
      const row = byHash.get(hash)
      return row && sessionOf(row)
    },
    async take(hash) {
      const row = remove.get(hash)
      return row && sessionOf(row)
    },
  }
}
