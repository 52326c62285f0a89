import { once } from 'node:events'
import ssh2 from 'ssh2'
import type { ClientChannel, ConnectConfig } from 'ssh2'
import type { Log } from '../../../src/domain/log.ts'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { startSftpListener } from '../../../src/listeners/sftp/listener.ts'
import type { SftpListener, SftpListenerOptions } from '../../../src/listeners/sftp/listener.ts'
import { packet, packetType, readFields } from '../../../src/listeners/sftp/wire.ts'
import type { Field, FieldReader } from '../../../src/listeners/sftp/wire.ts'
import { createMemoryDrop } from './memory-drop.ts'
import type { MemoryDrop } from './memory-drop.ts'

const hostKey = generateHostKey()

/** A listener on a free port, its drop folder in memory, and what it logged. */
export interface Bench {
  drop: MemoryDrop
  listener: SftpListener
  logged: string[]
}

/** Starts one; the caller stops it. */
export async function startBench(options: Partial<SftpListenerOptions> = {}): Promise<Bench> {
  const drop = createMemoryDrop()
  const logged: string[] = []
  const keep = (message: string, fields?: Record<string, unknown>): void => {
    logged.push(`${message} ${JSON.stringify(fields ?? {})}`)
  }
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep }
  const listener = await startSftpListener({
    host: '127.0.0.1',
    port: 0,
    hostKey,
    doorkeeper: drop,
    log,
    ...options,
  })
  return { drop, listener, logged }
}

/** A logged-in SSH connection. */
export async function connect(
  bench: { listener: Pick<SftpListener, 'port'> },
  config: Partial<ConnectConfig> = {},
): Promise<ssh2.Client> {
  const client = new ssh2.Client()
  const ready = Promise.withResolvers<void>()
  client.on('error', (error) => ready.reject(error))
  client.on('ready', () => {
    // ssh2 writes a packet in pieces, which Nagle's algorithm would hold back 40 ms.
    client.setNoDelay(true)
    ready.resolve()
  })
  client.on('close', () => ready.reject(new Error('closed before it was ready')))
  const login = { host: '127.0.0.1', port: bench.listener.port, username: 'maple' }
  client.connect({ ...login, password: 'sugar', ...config })
  await ready.promise
  return client
}

export interface Answer {
  type: number
  id: number
  /** Of a STATUS. */
  code: number
  message: string
  /** Behind the id. */
  fields: FieldReader
  body: Buffer
}

/** An SFTP conversation at the level of packets. */
export interface RawSftp {
  channel: ClientChannel
  /** Sends bytes as they are. */
  send(bytes: Buffer): void
  /** Sends a request with the next id and resolves to its answer. */
  ask(type: number, ...fields: Field[]): Promise<Answer>
  /** OPEN; resolves to the handle. Throws when it was refused. */
  open(path: string, flags: number): Promise<Uint8Array>
  /** The answer to a request that was sent by `send`. */
  answer(id: number): Promise<Answer>
  /** Resolves when the channel is closed. */
  closed: Promise<void>
  /** Every packet that came. */
  readonly count: number
}

/** Opens the subsystem, and says INIT unless told otherwise. */
export async function openRaw(client: ssh2.Client, init = true): Promise<RawSftp> {
  const opened = Promise.withResolvers<ClientChannel>()
  client.subsys('sftp', (error, channel) => {
    if (error) opened.reject(error)
    else opened.resolve(channel)
  })
  const channel = await opened.promise
  const answers = new Map<number, Answer>()
  const waiting = new Map<number, (answer: Answer) => void>()
  let rest = Buffer.alloc(0)
  let next = 1
  let count = 0
  const closed = once(channel, 'close').then(() => undefined)
  const version = Promise.withResolvers<void>()

  function take(body: Buffer): void {
    count += 1
    const type = body[0] ?? 0
    if (type === packetType.version) {
      version.resolve()
      return
    }
    const fields = readFields(body, 1)
    const id = fields.uint32()
    const status = type === packetType.status
    const code = status ? fields.uint32() : -1
    const message = status ? fields.text() : ''
    const answer = { type, id, code, message, fields, body }
    const wanted = waiting.get(id)
    waiting.delete(id)
    if (wanted === undefined) answers.set(id, answer)
    else wanted(answer)
  }

  channel.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const length = rest.readUInt32BE(0)
      take(rest.subarray(4, 4 + length))
      rest = rest.subarray(4 + length)
    }
  })

  function answer(id: number): Promise<Answer> {
    const there = answers.get(id)
    answers.delete(id)
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve, reject) => {
      waiting.set(id, resolve)
      void closed.then(() => reject(new Error(`closed before the answer to ${id}`)))
    })
  }

  async function ask(type: number, ...fields: Field[]): Promise<Answer> {
    const id = next
    next += 1
    channel.write(packet(type, id, ...fields))
    return answer(id)
  }

  if (init) {
    channel.write(packet(packetType.init, 3))
    await version.promise
  }
  return {
    channel,
    send: (bytes) => channel.write(bytes),
    ask,
    answer,
    async open(path, flags) {
      const reply = await ask(packetType.open, path, flags, 0)
      if (reply.type !== packetType.handle) throw new Error(`${reply.code} ${reply.message}`)
      return reply.fields.bytes()
    },
    closed,
    get count() {
      return count
    },
  }
}

/** Waits until `check` holds. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`still not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
