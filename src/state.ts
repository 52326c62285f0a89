import { AppError } from './domain/error.ts'
import type { StateStore } from './domain/state.ts'
import type { Tenant } from './domain/tenant.ts'
import { dataPaths, readConfig } from './config.ts'
import { openDatabase } from './db/database.ts'

/** Opens the state that the environment names, also while the server runs, and closes it after `work`. */
export async function withState<T>(work: (state: StateStore) => Promise<T>): Promise<T> {
  const database = await openDatabase(dataPaths(readConfig(process.env)).databaseUrl)
  try {
    return await work(database.state)
  } finally {
    await database.close()
  }
}

/** The tenant of this id or name; throws `not_found` with the names that there are. */
export async function findTenant(state: StateStore, idOrName: string): Promise<Tenant> {
  const tenant = (await state.tenants.findByName(idOrName)) ?? (await state.tenants.get(idOrName))
  if (tenant !== undefined) return tenant
  const names = (await state.tenants.list()).map(({ name }) => `"${name}"`)
  const known = names.length === 0 ? 'there is none yet' : `there are ${names.join(', ')}`
  throw new AppError('not_found', `Cannot find the client "${idOrName}": ${known}`)
}
