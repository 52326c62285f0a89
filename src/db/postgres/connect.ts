import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Options, PostgresType, Sql } from 'postgres'

interface Types extends Record<string, PostgresType<number>> {
  bigint: PostgresType<number>
}

export type Postgres = Sql<{ bigint: number }>

// A peer that vanished without a word is given up after 5 + 3 * 3 seconds: so long do its locks last.
const keepAlive = {
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '3',
  tcp_keepalives_count: '3',
}
// Every statement goes by an index, mostly by few keys or in its order. Of a table that was loaded a minute ago the
// planner knows nothing yet: it would rather read all of a client's users and sort them.
const byIndex = { enable_bitmapscan: 'off', jit: 'off' }
const connectSeconds = 10
// Nothing that the pool is asked for takes long; a server that hangs must not hang its callers.
const statementMs = 30_000
const idleSeconds = 120

function common(name: string, more: Record<string, string | number> = {}): Options<Types> {
  return {
    // Times and sizes are whole numbers far below 2^53.
    types: {
      bigint: { to: 20, from: [20], serialize: String, parse: Number },
    },
    connect_timeout: connectSeconds,
    keep_alive: 10,
    fetch_types: true,
    onnotice: () => undefined,
    connection: { application_name: `rosterdrop ${name}`, ...keepAlive, ...byIndex, ...more },
  }
}

/** Loads the client only where it is used. */
async function client() {
  const { default: postgres } = await import('postgres')
  return postgres
}

/** Connections for statements that stand alone: each may run on another one, and they come back by themselves. */
export async function openPool(url: string, connections: number): Promise<Postgres> {
  const postgres = await client()
  return postgres(url, {
    ...common('pool', { statement_timeout: statementMs }),
    max: connections,
    idle_timeout: idleSeconds,
  })
}

/** One connection that is never made anew: its locks and its transaction end with it. */
export interface Session {
  readonly sql: Postgres
  /** True once the connection is gone: everything asked from then on is refused. */
  readonly lost: boolean
  end(): Promise<void>
}

export interface SessionOptions {
  name: string
  onLost?: () => void
  onNotify?: (channel: string, text: string) => void
}

/**
 * Opens a session.
 *
 * The client would connect again by itself, and what was meant to be in the transaction would then run outside of
 * it; so it is given one socket and no other.
 */
export async function openSession(
  url: string,
  { name, onLost, onNotify }: SessionOptions,
): Promise<Session> {
  const postgres = await client()
  let used = false
  let lost = false
  const options = {
    ...common(name),
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    onclose: () => {
      lost = true
      // What waits in the client would wait for ever.
      void sql.end({ timeout: 0 })
      onLost?.()
    },
    ...(onNotify === undefined ? {} : { onnotify: onNotify }),
    socket: async ({ host, port, path }: { host: string[]; port: number[]; path?: string }) => {
      if (used) throw new Error('The connection to the database is lost')
      used = true
      const socket = new Socket()
      if (path) socket.connect(path)
      else socket.connect(port[0] ?? 5432, host[0] ?? 'localhost')
      const deadline = setTimeout(
        () => socket.destroy(new Error('The database does not answer')),
        connectSeconds * 1000,
      )
      try {
        await once(socket, 'connect')
      } finally {
        clearTimeout(deadline)
      }
      // A COPY is several small writes: each would wait 40 ms for the server to say that it has the one before.
      socket.setNoDelay(true)
      // The client reads the name to verify the certificate by from here.
      return Object.assign(socket, { host: host[0] })
    },
  }
  const sql = postgres(url, options)
  try {
    await sql`SELECT 1`
  } catch (error) {
    lost = true
    void sql.end({ timeout: 0 })
    throw error
  }
  return {
    sql,
    get lost() {
      return lost
    },
    async end() {
      lost = true
      await sql.end({ timeout: 1 })
    },
  }
}
