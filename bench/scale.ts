import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import SftpClient from 'ssh2-sftp-client'
import type { TestTenant } from '../test/support/client.ts'
import { createFleet } from '../test/support/fleet.ts'
import type { Fleet } from '../test/support/fleet.ts'
import { postgresPrograms, startPostgres } from '../test/support/postgres.ts'
import type { Cluster } from '../test/support/postgres.ts'
import type { StartedServer } from '../test/support/server.ts'
import { machine } from './machine.ts'

const uploadsAtOnce = 8
// Of /proc/*/stat, on every Linux that Node runs on.
const ticksPerSecond = 100

const header = 'UserUUID,email,username,firstName,lastName,street,city,postalCode\n'

/** A file of one client; `night` changes one row in a hundred. */
export function fileOf(tenant: string, rows: number, night: number): Buffer {
  let text = header
  for (let n = 0; n < rows; n += 1) {
    const street = n % 100 === 7 ? `${night} Changed Street` : `${n} Maple Avenue`
    text += `${tenant}-${n}-4f1b-8a2c-000000000000,student${n}@${tenant}.example,${tenant}${n},First${n},Last${n},${street},Ottawa,K1A 0B1\n`
  }
  return Buffer.from(text)
}

/** Seconds of processor that a process has used, its threads and, for a server, its children included. */
export function processorSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      ticks += [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0)
    } catch {
      // It has ended; its parent has its ticks.
    }
  }
  return ticks / ticksPerSecond
}

/** A postmaster and its backends. */
export function family(parent: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === parent
        )
      } catch {
        return false
      }
    })
  return [parent, ...children.map(Number)]
}

async function dropAll(
  servers: readonly StartedServer[],
  tenants: readonly TestTenant[],
  name: string,
  bytes: (tenant: string) => Buffer,
): Promise<void> {
  const waiting = [...tenants.entries()]
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, { login, password }] = next
      const server = servers[index % servers.length]
      if (server === undefined) throw new Error('There is no server')
      const client = new SftpClient()
      await client.connect({ host: '127.0.0.1', port: server.sftpPort, username: login, password })
      await client.put(bytes(login), `/${name}`)
      await client.end()
    }
  }
  await Promise.all(Array.from({ length: uploadsAtOnce }, lane))
}

interface Figures {
  seconds: number
  servers: number
  database: number
}

async function night(
  cluster: Cluster,
  fleet: Fleet,
  servers: readonly StartedServer[],
  work: () => Promise<void>,
  runs: number,
): Promise<Figures> {
  const pids = servers.map((server) => server.process.pid ?? 0)
  const before = [processorSeconds(pids), processorSeconds(family(cluster.pid))]
  const begun = performance.now()
  await work()
  for (;;) {
    const done = cluster.sql(fleet.url, 'SELECT count(*) FROM runs WHERE finished_at IS NOT NULL')
    if (Number(done) >= runs) break
    await pause(250)
  }
  const seconds = (performance.now() - begun) / 1000
  const [ours = 0, theirs = 0] = before
  return {
    seconds,
    servers: processorSeconds(pids) - ours,
    database: processorSeconds(family(cluster.pid)) - theirs,
  }
}

function show(what: string, files: number, rows: number, figures: Figures): void {
  const { seconds, servers, database } = figures
  const perMinute = (files * 60) / seconds
  const busy = ((servers + database) / seconds).toFixed(2)
  console.log(
    `  ${what}: ${seconds.toFixed(1)} s, ${perMinute.toFixed(0)} files/min, ${Math.round((files * rows) / seconds).toLocaleString('en')} rows/s; processor ${servers.toFixed(1)} s servers + ${database.toFixed(1)} s PostgreSQL = ${busy} cores busy`,
  )
}

/** `npm run bench -- scale [--tenants 50] [--rows 10000] [--processes 1,2,4]`: many clients at once, on more and more processes. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tenants: { type: 'string', default: '50' },
      rows: { type: 'string', default: '10000' },
      processes: { type: 'string', default: '1,2,4' },
    },
  })
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot measure: PostgreSQL is needed')
  console.log(machine())
  const rows = Number(values.rows)
  for (const count of values.processes.split(',').map(Number)) {
    const cluster = await startPostgres(programs, { fsync: 'on', max_wal_size: '4GB' })
    const fleet = await createFleet(cluster, { IMPORT_WORKERS: '1' })
    try {
      const names = Array.from({ length: Number(values.tenants) }, (_, n) => `c${n}`)
      const tenants = await fleet.tenants(names)
      const servers: StartedServer[] = []
      for (let n = 0; n < count; n += 1) servers.push(await fleet.start())
      console.log(
        `${count} ${count === 1 ? 'process' : 'processes'}, ${names.length} clients, ${rows} rows a file`,
      )
      const files = names.length
      const first = (name: string) => fileOf(name, rows, 0)
      const changed = (name: string) => fileOf(name, rows, 1)
      const small = (name: string) => Buffer.from(`${header}${name}-x,x@${name}.example,,X,Y,,,\n`)
      for (const [index, [what, bytes, size]] of (
        [
          ['first load', first, rows],
          ['next night, 1 % changed', changed, rows],
          ['one row a file', small, 1],
        ] as const
      ).entries()) {
        const figures = await night(
          cluster,
          fleet,
          servers,
          () => dropAll(servers, tenants, `night${index}.csv`, bytes),
          files * (index + 1),
        )
        show(what, files, size, figures)
      }
      for (const server of servers) await server.stop()
    } finally {
      await fleet.remove()
      await cluster.remove()
    }
  }
}
