import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Client as FtpClient } from 'basic-ftp'
import SftpClient from 'ssh2-sftp-client'
import type { TestTenant } from '../test/support/client.ts'
import { createFleet } from '../test/support/fleet.ts'
import type { Fleet } from '../test/support/fleet.ts'
import { postgresPrograms, startPostgres } from '../test/support/postgres.ts'
import type { Cluster } from '../test/support/postgres.ts'
import type { StartedServer } from '../test/support/server.ts'
import { machine } from './machine.ts'
import { makeBucket, s3Server } from './s3.ts'
import { family, fileOf, processorSeconds } from './scale.ts'

const users = 100_000
const [sessions, more] = [100, 500]
const uploadMegabytes = 256
// What is begun has settled by then.
const quietMs = 3_000

/** Megabytes of a process that are its own. */
function ownMegabytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kilobytes = [...rollup.matchAll(/^Private_\w+: +(\d+) kB/gm)].map(([, found]) =>
    Number(found),
  )
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}

async function connected(server: StartedServer, { login, password }: TestTenant) {
  const client = new SftpClient()
  await client.connect({ host: '127.0.0.1', port: server.sftpPort, username: login, password })
  return client
}

async function bytesOfUsers(
  cluster: Cluster,
  fleet: Fleet,
  server: StartedServer,
  tenant: TestTenant,
) {
  const client = await connected(server, tenant)
  await client.put(fileOf(tenant.login, users, 0), '/users.csv')
  await client.end()
  const ended = 'SELECT count(*) FROM runs WHERE finished_at IS NOT NULL'
  while (cluster.sql(fleet.url, ended) !== '1') await pause(250)
  const bytes = cluster.sql(
    fleet.url,
    `SELECT sum(pg_total_relation_size(oid)) FROM pg_class
     WHERE relkind = 'r' AND (relname LIKE 'users%' OR relname = 'fingerprints')`,
  )
  console.log(
    `a user in PostgreSQL: ${Math.round(Number(bytes) / users)} bytes, indexes and fingerprint included`,
  )
}

/** How idle sessions are opened, each resolving to what ends it. */
type OpenSession = (server: StartedServer, tenant: TestTenant) => Promise<() => unknown>

const kinds: Readonly<Record<string, OpenSession>> = {
  async SFTP(server, tenant) {
    const client = await connected(server, tenant)
    return () => client.end()
  },
  async FTPS(server, { login, password }) {
    const client = new FtpClient()
    await client.access({
      host: '127.0.0.1',
      port: server.ftpsPort,
      user: login,
      password,
      secure: true,
      secureOptions: { rejectUnauthorized: false },
    })
    return () => client.close()
  },
  async HTTP(server, { token }) {
    const agent = new Agent({ keepAlive: true })
    const headers = { authorization: `Bearer ${token}` }
    const asked = request({ agent, headers, port: server.httpPort, path: '/imports' }).end()
    const [answer]: IncomingMessage[] = await once(asked, 'response')
    answer?.resume()
    return () => agent.destroy()
  },
}

async function memoryOfSessions(
  cluster: Cluster,
  server: StartedServer,
  tenants: readonly TestTenant[],
) {
  const pid = server.process.pid ?? 0
  for (const [kind, open] of Object.entries(kinds)) {
    const ends: (() => unknown)[] = []
    const openMore = async (count: number): Promise<void> => {
      // Of one client no more than its own limit allows.
      for (let n = 0; n < count; n += 1) {
        const tenant = tenants[n % tenants.length]
        if (tenant !== undefined) ends.push(await open(server, tenant))
      }
      await pause(quietMs)
    }
    // What the first ones make for all, or find left behind by others, is not theirs.
    await openMore(sessions)
    const before = ownMegabytes(pid)
    await openMore(more)
    const each = ((ownMegabytes(pid) - before) * 1024) / more
    console.log(`an idle ${kind} session: ${each.toFixed(0)} KB of the server`)
    for (const end of ends) await end()
    await pause(quietMs)
  }
  const [, ...backends] = family(cluster.pid)
  const connections = Number(
    cluster.sql(
      `postgres://rosterdrop@127.0.0.1:${cluster.port}/postgres`,
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rosterdrop%'",
    ),
  )
  const all = backends.map(ownMegabytes).reduce((sum, one) => sum + one, 0)
  console.log(
    `a connection to PostgreSQL: ${(all / connections).toFixed(1)} MB of the database, ${connections} open`,
  )
}

async function secondsOfGiB(server: StartedServer, tenant: TestTenant): Promise<void> {
  const content = randomBytes(uploadMegabytes * 2 ** 20)
  const client = await connected(server, tenant)
  const pids = [server.process.pid ?? 0]
  const before = processorSeconds(pids)
  await client.put(content, '/large.csv.part')
  const taken = processorSeconds(pids) - before
  await client.end()
  console.log(
    `a GiB by SFTP into a bucket: ${((taken * 1024) / uploadMegabytes).toFixed(1)} s of a core`,
  )
}

/** `npm run bench -- costs`: what a user, a session, a connection and a GiB cost with PostgreSQL and a bucket. */
export async function run(): Promise<void> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot measure: PostgreSQL is needed')
  console.log(machine())
  const cluster = await startPostgres(programs, { fsync: 'on', max_wal_size: '4GB' })
  const s3 = s3Server()
  const { endpoint, accessKeyId, secretAccessKey } = s3
  const bucket = await makeBucket(s3, 'costs')
  const fleet = await createFleet(cluster, {
    STORAGE_URL: `s3://${bucket}`,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ALLOW_LIST: '127.0.0.1',
  })
  try {
    const tenants = await fleet.tenants(Array.from({ length: 120 }, (_, n) => `c${n}`))
    const server = await fleet.start()
    const [tenant] = tenants
    if (tenant === undefined) throw new Error('There is no tenant')
    // Before anything leaves memory that the next one could use.
    await memoryOfSessions(cluster, server, tenants)
    await bytesOfUsers(cluster, fleet, server, tenant)
    await secondsOfGiB(server, tenant)
    await server.stop()
  } finally {
    await fleet.remove()
    await cluster.remove()
    s3.stop()
  }
}
