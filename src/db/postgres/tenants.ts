import { AppError } from '../../domain/error.ts'
import type { TenantStore } from '../../domain/state.ts'
import { tenantOf } from '../mapping.ts'
import type { Postgres } from './connect.ts'
import { refuseTaken } from './fault.ts'

/** The tenants. */
export function tenantStore(sql: Postgres): TenantStore {
  return {
    async create({ id, name, settings, settingsVersion, userTypes, loginSources, createdAt }) {
      await refuseTaken(
        `Cannot add the client "${name}"`,
        sql`INSERT INTO tenants VALUES (${id}, ${name}, ${JSON.stringify(settings)}, ${settingsVersion},
          ${JSON.stringify(userTypes)}, ${JSON.stringify(loginSources)}, ${createdAt})`,
      )
    },
    async get(id) {
      const [row] = await sql`SELECT * FROM tenants WHERE id = ${id}`
      return row && tenantOf(row)
    },
    async findByName(name) {
      const [row] = await sql`SELECT * FROM tenants WHERE name = ${name}`
      return row && tenantOf(row)
    },
    async list() {
      return (await sql`SELECT * FROM tenants ORDER BY id DESC`).map(tenantOf)
    },
    async update(tenant) {
      const { id, name, settings, settingsVersion, userTypes, loginSources } = tenant
      const { count } = await refuseTaken(
        `Cannot rename the client to "${name}"`,
        sql`UPDATE tenants SET name = ${name}, settings = ${JSON.stringify(settings)},
          settings_version = settings_version + 1, user_types = ${JSON.stringify(userTypes)},
          login_sources = ${JSON.stringify(loginSources)}
          WHERE id = ${id} AND settings_version = ${settingsVersion}`,
      )
      if (count === 0) {
        throw new AppError(
          'conflict',
          `Cannot change the client "${name}": it was changed by someone else since version ${settingsVersion}, read it again first`,
        )
      }
      return { ...tenant, settingsVersion: settingsVersion + 1 }
    },
  }
}
