import type { DatabaseSync } from 'node:sqlite'
import { sessionKinds, tokenScopes } from '../../domain/account.ts'
import type { Session } from '../../domain/account.ts'
import type { SessionStore } from '../../domain/state.ts'
import { number, optionalText, text, word } from './row.ts'
import type { Row } from './row.ts'

function sessionOf(row: Row): Session {
  return {
    hash: text(row, 'hash'),
    kind: word(row, 'kind', sessionKinds),
    scope: word(row, 'scope', tokenScopes),
    tenantId: optionalText(row, 'tenant_id'),
    tokenHash: optionalText(row, 'token_hash'),
    name: text(row, 'name'),
    createdAt: number(row, 'created_at'),
    expiresAt: number(row, 'expires_at'),
  }
}

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
