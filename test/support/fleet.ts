import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db/database.ts'
import { newId } from '../../src/domain/id.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import { createPasswordHasher } from '../../src/drop/password.ts'
import { newToken } from '../../src/secret.ts'
import type { TestTenant } from './client.ts'
import type { Cluster } from './postgres.ts'
import { removeFolder, startServer } from './server.ts'
import type { StartOptions, StartedServer } from './server.ts'

/** Several servers on one PostgreSQL database and one folder of files. */
export interface Fleet {
  readonly url: string
  /** Starts one more server, with a data folder of its own. */
  start(options?: StartOptions): Promise<StartedServer>
  /** Adds clients, each with a login and a token, as fast as the database takes them. */
  tenants(names: readonly string[]): Promise<TestTenant[]>
  /** Names of the stored files whose path has `part` in it. */
  files(part: string): string[]
  /** Kills what still runs and removes everything. */
  remove(): Promise<void>
}

/** An empty installation for many processes. */
export async function createFleet(
  cluster: Cluster,
  env: Readonly<Record<string, string>> = {},
): Promise<Fleet> {
  const url = await cluster.database()
  const shared = mkdtempSync(join(tmpdir(), 'rosterdrop-fleet-'))
  const servers: StartedServer[] = []
  return {
    url,
    async start(options = {}) {
      const server = await startServer({
        ...options,
        env: {
          DATABASE_URL: url,
          STORAGE_URL: `file://${shared}?shared`,
          IMPORT_WORKERS: '2',
          ...env,
          ...options.env,
        },
      })
      servers.push(server)
      return server
    },
    async tenants(names) {
      const database = await openDatabase(url)
      const { tenants, accounts, tokens } = database.state
      const password = 'correct horse battery'
      const passwordHash = await createPasswordHasher().hash(password)
      const added: TestTenant[] = []
      for (const name of names) {
        const tenantId = newId('tenant', systemClock)
        const createdAt = systemClock.now()
        await tenants.create({
          id: tenantId,
          name,
          settings: {
            ...defaultSettings,
            replyTo: `it@${name}.example`,
            failedImportEmail: [`hr@${name}.example`],
            settleSeconds: 0,
          },
          settingsVersion: 1,
          userTypes: [],
          loginSources: [],
          createdAt,
        })
        await accounts.create({
          id: newId('account', systemClock),
          tenantId,
          name,
          passwordHash,
          keys: [],
          protocols: ['sftp', 'ftps'],
          allowedNetworks: [],
          expiresAt: null,
          disabled: false,
          createdAt,
          lastLoginAt: null,
        })
        const { token, hash } = newToken(systemClock)
        await tokens.create({
          id: newId('token', systemClock),
          tenantId,
          scope: 'tenant',
          name: 'test',
          hash,
          createdAt,
          expiresAt: null,
          lastUsedAt: null,
          revokedAt: null,
        })
        added.push({ login: name, password, token })
      }
      await database.close()
      return added
    },
    files(part) {
      return readdirSync(shared, { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.includes(part),
      )
    },
    async remove() {
      await Promise.all(servers.map((server) => server.stop('SIGKILL')))
      for (const { dataFolder } of servers) removeFolder(dataFolder)
      removeFolder(shared)
    },
  }
}
