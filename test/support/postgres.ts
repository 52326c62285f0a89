import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const debianFolder = '/usr/lib/postgresql'

/** Folder of PostgreSQL's own programs, the newest; undefined where it is not installed: its tests are then skipped. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : []
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0]
  const folder = newest === undefined ? undefined : join(debianFolder, newest, 'bin')
  if (folder !== undefined && existsSync(join(folder, 'initdb'))) return folder
  if (process.env['REQUIRE_PEERS'] === '1') {
    throw new Error(
      'Cannot run the tests with PostgreSQL: Debian package postgresql is not installed',
    )
  }
  return undefined
}

/** A PostgreSQL server of our own, on loopback, in a folder that goes with it. */
export interface Cluster {
  readonly port: number
  /** Of the server's first process; 0 while it is stopped. */
  readonly pid: number
  /** Makes an empty database; resolves to its URL. */
  database(): Promise<string>
  /** Runs SQL by psql in the database of `url`; resolves to what it printed, one row a line. */
  sql(url: string, text: string): string
  /** `immediate`: as if the machine had lost its power. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
  /** Stops it and removes everything. */
  remove(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const ofPostgres = (): { uid?: number; gid?: number } => {
  // The server refuses to run as root.
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout),
  )
  return { uid: uid ?? 0, gid: gid ?? 0 }
}

/** Starts a new cluster; `settings` as in postgresql.conf. */
export async function startPostgres(
  programs: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<Cluster> {
  const as = ofPostgres()
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-postgres-'))
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid ?? statSync(folder).gid)
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', folder, '-U', 'rosterdrop', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...as, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const options = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    max_connections: 200,
    ...settings,
  }
  let server: ChildProcess | undefined
  let databases = 0
  const urlOf = (name: string): string => `postgres://rosterdrop@127.0.0.1:${port}/${name}`

  const cluster: Cluster = {
    port,
    get pid() {
      return server?.pid ?? 0
    },
    async database() {
      databases += 1
      const name = `test_${databases}`
      cluster.sql(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    sql(url, text) {
      const { status, stdout, stderr } = spawnSync(
        join(programs, 'psql'),
        ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', text, url],
        { encoding: 'utf8' },
      )
      if (status !== 0) throw new Error(`psql failed: ${stderr}`)
      return stdout.trim()
    },
    async start() {
      const args = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      const child = spawn(join(programs, 'postgres'), ['-D', folder, ...args], {
        ...as,
        cwd: folder,
        stdio: 'ignore',
      })
      server = child
      while (!(await listens(port))) {
        if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`)
        await pause(20)
      }
      // It listens a little before it lets anybody in.
      for (let tries = 0; ; tries += 1) {
        try {
          cluster.sql(urlOf('postgres'), 'SELECT 1')
          return
        } catch (error) {
          if (tries > 200) throw error
          await pause(25)
        }
      }
    },
    async stop(mode = 'fast') {
      const child = server
      server = undefined
      if (child === undefined || child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await exited
    },
    async remove() {
      await cluster.stop('immediate')
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  process.once('exit', () => server?.kill('SIGQUIT'))
  await cluster.start()
  return cluster
}
