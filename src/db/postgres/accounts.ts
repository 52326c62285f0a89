import type { AccountStore, SessionStore, TokenStore } from '../../domain/state.ts'
import { accountOf, sessionOf, tokenOf } from '../mapping.ts'
import type { Postgres } from './connect.ts'
import { refuseTaken } from './fault.ts'

/** The logins. */
export function accountStore(sql: Postgres): AccountStore {
  return {
    async create(account) {
      await refuseTaken(
        `Cannot add the account "${account.name}"`,
        sql`INSERT INTO accounts VALUES (${account.id}, ${account.tenantId}, ${account.name}, ${account.passwordHash},
          ${JSON.stringify(account.keys)}, ${JSON.stringify(account.protocols)},
          ${JSON.stringify(account.allowedNetworks)}, ${account.expiresAt}, ${account.disabled ? 1 : 0},
          ${account.createdAt}, ${account.lastLoginAt})`,
      )
    },
    async get(tenantId, id) {
      const [row] = await sql`SELECT * FROM accounts WHERE tenant_id = ${tenantId} AND id = ${id}`
      return row && accountOf(row)
    },
    async findByName(name) {
      const [row] = await sql`SELECT * FROM accounts WHERE name = ${name}`
      return row && accountOf(row)
    },
    async list(tenantId) {
      const rows = await sql`SELECT * FROM accounts WHERE tenant_id = ${tenantId} ORDER BY id DESC`
      return rows.map(accountOf)
    },
    async among(ids) {
      const rows = await sql`SELECT * FROM accounts WHERE id = ANY(${[...ids]})`
      return rows.map(accountOf)
    },
    async update(account) {
      await refuseTaken(
        `Cannot rename the account to "${account.name}"`,
        sql`UPDATE accounts SET name = ${account.name}, password_hash = ${account.passwordHash},
          keys = ${JSON.stringify(account.keys)}, protocols = ${JSON.stringify(account.protocols)},
          allowed_networks = ${JSON.stringify(account.allowedNetworks)}, expires_at = ${account.expiresAt},
          disabled = ${account.disabled ? 1 : 0}, last_login_at = ${account.lastLoginAt}
          WHERE tenant_id = ${account.tenantId} AND id = ${account.id}`,
      )
    },
    async touch(id, at) {
      await sql`UPDATE accounts SET last_login_at = ${at} WHERE id = ${id}`
    },
    async rehash(id, from, to) {
      const { count } =
        await sql`UPDATE accounts SET password_hash = ${to} WHERE id = ${id} AND password_hash = ${from}`
      return count === 1
    },
    async remove(tenantId, id) {
      const { count } = await sql`DELETE FROM accounts WHERE tenant_id = ${tenantId} AND id = ${id}`
      return count === 1
    },
  }
}

/** The bearer tokens, by their hashes. */
export function tokenStore(sql: Postgres): TokenStore {
  return {
    async create(token) {
      await sql`INSERT INTO tokens VALUES (${token.id}, ${token.tenantId}, ${token.scope}, ${token.name}, ${token.hash},
        ${token.createdAt}, ${token.expiresAt}, ${token.lastUsedAt}, ${token.revokedAt})`
    },
    async findByHash(hash) {
      const [row] = await sql`SELECT * FROM tokens WHERE hash = ${hash}`
      return row && tokenOf(row)
    },
    async list(tenantId) {
      const rows =
        await sql`SELECT * FROM tokens WHERE tenant_id IS NOT DISTINCT FROM ${tenantId} ORDER BY id DESC`
      return rows.map(tokenOf)
    },
    async update(token) {
      await sql`UPDATE tokens SET name = ${token.name}, expires_at = ${token.expiresAt},
        revoked_at = ${token.revokedAt} WHERE id = ${token.id}`
    },
    async touch(id, at) {
      await sql`UPDATE tokens SET last_used_at = ${at} WHERE id = ${id}`
    },
  }
}

/** The console's sessions and one-time links, by their hashes. */
export function sessionStore(sql: Postgres): SessionStore {
  return {
    async create(session) {
      await sql`WITH expired AS (DELETE FROM sessions WHERE expires_at <= ${session.createdAt})
        INSERT INTO sessions VALUES (${session.hash}, ${session.kind}, ${session.scope}, ${session.tenantId},
          ${session.tokenHash}, ${session.name}, ${session.createdAt}, ${session.expiresAt})`
    },
    async get(hash) {
      const [row] = await sql`SELECT * FROM sessions WHERE hash = ${hash}`
      return row && sessionOf(row)
    },
    async take(hash) {
      const [row] = await sql`DELETE FROM sessions WHERE hash = ${hash} RETURNING *`
      return row && sessionOf(row)
    },
  }
}
