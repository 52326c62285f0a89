import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { afterAll, afterEach } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import { openState } from '../../../src/db/sqlite/state.ts'
import type { Log } from '../../../src/domain/log.ts'
import type { StateStore } from '../../../src/domain/state.ts'
import type { FileStore } from '../../../src/domain/storage.ts'
import type { DropLimits } from '../../../src/drop/limits.ts'
import { startFtpsListener } from '../../../src/listeners/ftps/listener.ts'
import type { FtpsListener, FtpsListenerOptions } from '../../../src/listeners/ftps/listener.ts'
import { memoryDriver } from '../../../storage/memory.ts'
import { addClient, door, password } from '../../drop/door.ts'

/** Certificates are costly to make: one is enough for all tests of a file. */
const certificate = await generateCertificate('localhost', Date.now())

/** Where the tests of this machine have their passive ports; a port in use is passed over. */
export const passivePorts = { first: 40_000, last: 44_999 }

/** A listener on free ports with real drop folders in memory, the account `maple`, and what it logged. */
export interface Bench {
  listener: FtpsListener
  state: StateStore
  files: FileStore
  logged: string[]
  /** Names in the drop folder of `maple`, cut uploads included. */
  names(): Promise<string[]>
  /** Bytes of a file in the drop folder of `maple`. */
  stored(name: string): Promise<Buffer>
  /** Puts a file there without a client. */
  put(name: string, bytes: Uint8Array | string): Promise<void>
  /** Events of the audit, newest last: `CLOSE /a.csv`. */
  audit(): Promise<string[]>
  /** Empties the drop folder. */
  clear(): Promise<void>
  stop(): Promise<void>
}

export interface BenchOptions extends Partial<FtpsListenerOptions> {
  drop?: Partial<DropLimits>
  files?: FileStore
}

const folder = 'drop/ten_maple'

/** Starts one; the caller stops it. */
export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const { drop, files = memoryDriver().files, ...changes } = options
  const state = openState(':memory:')
  await addClient(state, 'maple')
  const logged: string[] = []
  const keep = (message: string, fields?: Record<string, unknown>): void => {
    logged.push(`${message} ${JSON.stringify(fields ?? {})}`)
  }
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep }
  // All connections of a test come from one address, and are many before their login.
  const many = { startupsBegin: 2_000, startupsFull: 4_000, connectionsPerAddress: 2_000 }
  const listener = await startFtpsListener({
    host: '127.0.0.1',
    explicitPort: 0,
    implicitPort: 0,
    certificate,
    passive: { ports: passivePorts, announced: null },
    doorkeeper: door({ state, files, limits: { ...many, sessionsPerAccount: 100, ...drop } }),
    log,
    ...changes,
  })
  return {
    listener,
    state,
    files,
    logged,
    async names() {
      return (await files.list(folder)).map(({ path }) => path.slice(folder.length + 1))
    },
    async stored(name) {
      const reader = await files.openRead(`${folder}/${name}`)
      const bytes = await reader.read(0, reader.size)
      await reader.close()
      return Buffer.from(bytes)
    },
    async put(name, bytes) {
      const staged = await files.openWrite(`${folder}/${name}`)
      await staged.write(0, Buffer.from(bytes))
      await staged.commit()
    },
    async audit() {
      const entries = await state.audit.list({ tenantId: 'ten_maple', limit: 1_000 })
      return entries
        .map(({ event, path, detail }) => `${event} ${path ?? detail ?? ''}`)
        .toReversed()
    },
    async clear() {
      for (const { id } of await state.drops.list('ten_maple')) {
        await state.drops.remove('ten_maple', id)
      }
      for (const place of [folder, `${folder}/test`]) {
        for (const { path } of await files.list(place)) await files.remove(path)
      }
    },
    async stop() {
      await listener.stop(0)
      await state.close()
    },
  }
}

const open = new Set<RawFtp>()

/** One for all tests of a file: behind each its connections are closed, their uploads ended and the drop folder emptied. */
export async function benchOfFile(): Promise<Bench> {
  const bench = await startBench()
  afterEach(async () => {
    for (const ftp of open) ftp.destroy()
    open.clear()
    const count = async (event: string) =>
      (await bench.audit()).filter((line) => line.startsWith(event)).length
    await until(
      async () => (await count('CONNECTED')) === (await count('DISCONNECTED')),
      'every session has ended',
    )
    await bench.clear()
  })
  afterAll(() => bench.stop())
  return bench
}

/** A control connection at the level of lines. */
export interface RawFtp {
  /** The one in use: the TLS once it has begun. */
  readonly socket: Socket | TLSSocket
  readonly tcp: Socket
  /** Sends bytes as they are. */
  send(bytes: string | Buffer): void
  /** The next reply, all its lines. Rejects when the connection ends instead. */
  next(): Promise<string>
  /** Sends a line, and resolves to the reply. */
  ask(line: string): Promise<string>
  /** AUTH TLS, as far as `steps` says. */
  secure(options?: ConnectionOptions): Promise<void>
  /** TLS where there is none yet, USER and PASS, PBSZ and PROT. */
  login(): Promise<void>
  /** EPSV, and a TCP connection to the port. */
  openData(): Promise<Socket>
  /** A STOR or APPE of `bytes` with everything around it; resolves to the last reply. */
  upload(command: string, bytes: string | Uint8Array): Promise<string>
  /** A RETR, LIST, NLST or MLSD; resolves to the bytes and the last reply. */
  download(command: string): Promise<{ bytes: Buffer; reply: string }>
  /** Resolves when the other side is gone. */
  readonly closed: Promise<void>
  destroy(): void
}

const tlsOptions: ConnectionOptions = { rejectUnauthorized: false }

export interface ConnectOptions {
  /** TLS from the first byte. */
  implicit?: boolean
  /** Default: true. */
  greeting?: boolean
  tls?: ConnectionOptions
  /** Sent before everything else. */
  header?: string | Buffer
}

/** Connects to `port`, with TLS from the first byte when told so, and takes the greeting. */
export async function connect(port: number, options: ConnectOptions = {}): Promise<RawFtp> {
  const { implicit = false, greeting = true, tls = {}, header = '' } = options
  const tcp = connectSocket({ port, host: '127.0.0.1', noDelay: true })
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
  tcp.on('error', () => undefined)
  await once(tcp, 'connect')
  if (header !== '') tcp.write(header)
  let socket: Socket | TLSSocket = tcp
  let session: Buffer | undefined
  let text = ''
  let wake = (): void => undefined
  let ended = false
  void closed.then(() => {
    ended = true
    wake()
  })
  const onData = (chunk: Buffer): void => {
    text += String(chunk)
    wake()
  }

  async function startTls(options: ConnectionOptions = {}): Promise<void> {
    tcp.removeListener('data', onData)
    const secured = connectTls({ socket: tcp, ...tlsOptions, ...tls, ...options })
    secured.on('error', () => undefined)
    secured.on('session', (ticket: Buffer) => (session = ticket))
    socket = secured
    await Promise.race([
      once(secured, 'secureConnect'),
      closed.then(() => Promise.reject(new Error('closed in the handshake'))),
    ])
    secured.on('data', onData)
  }

  if (implicit) await startTls()
  else tcp.on('data', onData)

  const ftp: RawFtp = {
    get socket() {
      return socket
    },
    tcp,
    closed,
    send(bytes) {
      socket.write(bytes)
    },
    async next() {
      for (;;) {
        const found = /^(\d{3})(?:-[^]*?^\1)? [^]*?\r\n/m.exec(text)
        if (found !== null) {
          text = text.slice(found.index + found[0].length)
          return found[0].trimEnd()
        }
        if (ended) throw new Error(`closed by the server, after "${text}"`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    ask(line) {
      ftp.send(`${line}\r\n`)
      return ftp.next()
    },
    async secure(options) {
      const reply = await ftp.ask('AUTH TLS')
      if (!reply.startsWith('234')) throw new Error(reply)
      await startTls(options)
    },
    async login() {
      if (socket === tcp) await ftp.secure()
      for (const line of ['USER maple', `PASS ${password}`, 'PBSZ 0', 'PROT P']) {
        const reply = await ftp.ask(line)
        if (!/^[23]/.test(reply)) throw new Error(`${line}: ${reply}`)
      }
    },
    async openData() {
      const reply = await ftp.ask('EPSV')
      const port = Number(/\|\|\|(\d+)\|/.exec(reply)?.[1])
      if (Number.isNaN(port)) throw new Error(reply)
      const data = connectSocket({ port, host: '127.0.0.1', noDelay: true })
      data.on('error', () => undefined)
      await once(data, 'connect')
      return data
    },
    async upload(command, bytes) {
      const data = await ftp.openData()
      const opening = await ftp.ask(command)
      if (!opening.startsWith('150')) return opening
      const secured = await secureData(data, session)
      secured.end(bytes)
      return ftp.next()
    },
    async download(command) {
      const data = await ftp.openData()
      const opening = await ftp.ask(command)
      if (!opening.startsWith('150')) return { bytes: Buffer.alloc(0), reply: opening }
      const secured = await secureData(data, session)
      const chunks: Buffer[] = []
      for await (const chunk of secured) chunks.push(Buffer.from(chunk))
      return { bytes: Buffer.concat(chunks), reply: await ftp.next() }
    },
    destroy() {
      tcp.destroy()
    },
  }
  open.add(ftp)
  if (greeting) await ftp.next()
  return ftp
}

/** An upload that is under way: its data connection, which has a TLS already. */
export async function beginUpload(ftp: RawFtp, line = 'STOR a.csv'): Promise<TLSSocket> {
  const data = await ftp.openData()
  await ftp.ask(line)
  return secureData(data)
}

/** TLS on a data connection, with the session of its control connection if there is one. */
export async function secureData(
  data: Socket,
  session?: Buffer,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const secured = connectTls({
    socket: data,
    ...tlsOptions,
    ...(session === undefined ? {} : { session }),
    ...options,
  })
  secured.on('error', () => undefined)
  await once(secured, 'secureConnect')
  return secured
}

/** Logged in on the explicit port of `bench`. */
export async function loggedIn(bench: Bench): Promise<RawFtp> {
  const ftp = await connect(bench.listener.explicitPort)
  await ftp.login()
  return ftp
}

/** Polls until `claim` holds. */
export async function until(claim: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    if (await claim()) return
    if (Date.now() > deadline) throw new Error(`It never came to pass that ${what}`)
    await pause(10)
  }
}
