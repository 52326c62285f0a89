import type { DatabaseSync } from 'node:sqlite'
import type { AccountStore, TokenStore } from '../../domain/state.ts'
import { accountOf, tokenOf } from '../mapping.ts'
import { refuseTaken } from './taken.ts'

/** The logins of `state.db`. */
export function accountStore(db: DatabaseSync): AccountStore {
  const insert = db.prepare('INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const byId = db.prepare('SELECT * FROM accounts WHERE tenant_id = ? AND id = ?')
  const byName = db.prepare('SELECT * FROM accounts WHERE name = ?')
  const ofTenant = db.prepare('SELECT * FROM accounts WHERE tenant_id = ? ORDER BY id DESC')
  const among = db.prepare('SELECT * FROM accounts WHERE id IN (SELECT value FROM json_each(?))')
  const change = db.prepare(
    `UPDATE accounts SET name = ?, password_hash = ?, keys = ?, protocols = ?, allowed_networks = ?, expires_at = ?,
     disabled = ?, last_login_at = ? WHERE tenant_id = ? AND id = ?`,
  )
  const rehash = db.prepare(
    'UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?',
  )
  const touch = db.prepare('UPDATE accounts SET last_login_at = ? WHERE id = ?')
  const remove = db.prepare('DELETE FROM accounts WHERE tenant_id = ? AND id = ?')

  return {
    async create(account) {
      refuseTaken(`Cannot add the account "${account.name}"`, () =>
        insert.run(
          account.id,
          account.tenantId,
          account.name,
          account.passwordHash,
          JSON.stringify(account.keys),
          JSON.stringify(account.protocols),
          JSON.stringify(account.allowedNetworks),
          account.expiresAt,
          account.disabled ? 1 : 0,
          account.createdAt,
          account.lastLoginAt,
        ),
      )
    },
    async get(tenantId, id) {
      const row = byId.get(tenantId, id)
      return row && accountOf(row)
    },
    async findByName(name) {
      const row = byName.get(name)
      return row && accountOf(row)
    },
    async list(tenantId) {
      return ofTenant.all(tenantId).map(accountOf)
    },
    async among(ids) {
      return among.all(JSON.stringify(ids)).map(accountOf)
    },
    async update(account) {
      refuseTaken(`Cannot rename the account to "${account.name}"`, () =>
        change.run(
          account.name,
          account.passwordHash,
          JSON.stringify(account.keys),
          JSON.stringify(account.protocols),
          JSON.stringify(account.allowedNetworks),
          account.expiresAt,
          account.disabled ? 1 : 0,
          account.lastLoginAt,
          account.tenantId,
          account.id,
        ),
      )
    },
    async rehash(id, from, to) {
      return rehash.run(to, id, from).changes === 1
    },
    async touch(id, at) {
      touch.run(at, id)
    },
    async remove(tenantId, id) {
      return remove.run(tenantId, id).changes === 1
    },
  }
}

/** The bearer tokens of `state.db`, by their hashes. */
export function tokenStore(db: DatabaseSync): TokenStore {
  const insert = db.prepare('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const byHash = db.prepare('SELECT * FROM tokens WHERE hash = ?')
  const ofTenant = db.prepare('SELECT * FROM tokens WHERE tenant_id IS ? ORDER BY id DESC')
  const change = db.prepare(
    'UPDATE tokens SET name = ?, expires_at = ?, revoked_at = ? WHERE id = ?',
  )
  const touch = db.prepare('UPDATE tokens SET last_used_at = ? WHERE id = ?')

  return {
    async create(token) {
      insert.run(
        token.id,
        token.tenantId,
        token.scope,
        token.name,
        token.hash,
        token.createdAt,
        token.expiresAt,
        token.lastUsedAt,
        token.revokedAt,
      )
    },
    async findByHash(hash) {
      const row = byHash.get(hash)
      return row && tokenOf(row)
    },
    async list(tenantId) {
      return ofTenant.all(tenantId).map(tokenOf)
    },
    async update(token) {
      change.run(token.name, token.expiresAt, token.revokedAt, token.id)
    },
    async touch(id, at) {
      touch.run(at, id)
    },
  }
}
