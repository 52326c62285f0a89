import type { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../domain/error.ts'
import type { TenantStore } from '../../domain/state.ts'
import { tenantOf } from '../mapping.ts'
import { refuseTaken } from './taken.ts'

/** The tenants of `state.db`. */
export function tenantStore(db: DatabaseSync): TenantStore {
  const insert = db.prepare('INSERT INTO tenants VALUES (?, ?, ?, ?, ?, ?, ?)')
  const byId = db.prepare('SELECT * FROM tenants WHERE id = ?')
  const byName = db.prepare('SELECT * FROM tenants WHERE name = ?')
  const all = db.prepare('SELECT * FROM tenants ORDER BY id DESC')
  const change = db.prepare(
    `UPDATE tenants SET name = ?, settings = ?, settings_version = settings_version + 1, user_types = ?,
     login_sources = ? WHERE id = ? AND settings_version = ?`,
  )

  return {
    async create(tenant) {
      refuseTaken(`Cannot add the client "${tenant.name}"`, () =>
        insert.run(
          tenant.id,
          tenant.name,
          JSON.stringify(tenant.settings),
          tenant.settingsVersion,
          JSON.stringify(tenant.userTypes),
          JSON.stringify(tenant.loginSources),
          tenant.createdAt,
        ),
      )
    },
    async get(id) {
      const row = byId.get(id)
      return row && tenantOf(row)
    },
    async findByName(name) {
      const row = byName.get(name)
      return row && tenantOf(row)
    },
    async list() {
      return all.all().map(tenantOf)
    },
    async update(tenant) {
      const { changes } = refuseTaken(`Cannot rename the client to "${tenant.name}"`, () =>
        change.run(
          tenant.name,
          JSON.stringify(tenant.settings),
          JSON.stringify(tenant.userTypes),
          JSON.stringify(tenant.loginSources),
          tenant.id,
          tenant.settingsVersion,
        ),
      )
      if (changes === 0) {
        throw new AppError(
          'conflict',
          `Cannot change the client "${tenant.name}": it was changed by someone else since version ${tenant.settingsVersion}, read it again first`,
        )
      }
      return { ...tenant, settingsVersion: tenant.settingsVersion + 1 }
    },
  }
}
