import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Admission, Doorkeeper } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import type { Log } from '../../domain/log.ts'
import { acceptProxy, socketEnds } from '../proxy-protocol.ts'
import { serveConnection } from './connection.ts'
import type { FtpConnection } from './connection.ts'
import type { DataPorts } from './control.ts'
import { createPassive } from './data-port.ts'
import { ftpsLimits } from './limits.ts'
import type { FtpsLimits } from './limits.ts'
import { createSecurity } from './secure.ts'
import type { Certificate } from './secure.ts'

export interface FtpsListenerOptions {
  /** Address to listen on. */
  host: string
  /** AUTH TLS; 0: any free one. */
  explicitPort: number
  /** TLS from the first byte; 0: any free one. */
  implicitPort: number
  certificate: Certificate
  passive: {
    ports: { first: number; last: number }
    /** IPv4 address in PASV replies; null: the one that the client came to. */
    announced: string | null
  }
  doorkeeper: Doorkeeper
  log: Log
  limits?: Partial<FtpsLimits>
  /**
   * Connections begin with a PROXY protocol header, and those of data all come to the first passive port.
   * Default: false.
   */
  proxyProtocol?: boolean
  /** Answers PORT and EPRT, to the peer's own address and ports from 1024. Default: false. */
  active?: boolean
}

export interface FtpsListener {
  /** Whether both its sockets take connections now. */
  isListening(): boolean
  readonly explicitPort: number
  readonly implicitPort: number
  /** Takes another certificate for new connections; throws, and keeps the old one, when it cannot be used. */
  reload(certificate: Certificate): void
  /** Takes no new connection, lets transfers finish for `graceMs`, then cuts them. Idempotent. */
  stop(graceMs: number): Promise<void>
}

/** Starts FTPS, explicit and implicit; resolves when both ports accept connections. */
export async function startFtpsListener(options: FtpsListenerOptions): Promise<FtpsListener> {
  const { host, doorkeeper, log, proxyProtocol = false } = options
  const limits: FtpsLimits = { ...ftpsLimits, ...options.limits }
  const security = createSecurity(options.certificate)
  const passive = await createPassive({
    host,
    ports: options.passive.ports,
    proxyProtocol,
    waitMs: limits.passiveMs,
    secure: (socket) => security.wrap(socket, { data: true }),
  })
  const dataPorts: DataPorts = {
    openPassive: (peerAddress) => passive.open(peerAddress),
    announced: options.passive.announced,
    active: options.active ?? false,
  }
  const connections = new Set<FtpConnection>()
  let stopped: Promise<void> | undefined

  async function accept(socket: Socket, implicit: boolean): Promise<void> {
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    let admission: Admission
    try {
      const ends = proxyProtocol ? await acceptProxy(socket) : socketEnds(socket)
      const { address, port } = ends
      admission = doorkeeper.admit({ address, port, protocol: 'ftps', clientVersion: null })
    } catch (error) {
      if (!isAppError(error)) log.error('ftps connection failed', { error })
      // In clear on the explicit port only: on the other, the peer waits for TLS.
      if (!implicit && isAppError(error, 'too_many')) socket.end(`421 ${error.message}\r\n`)
      setTimeout(() => socket.destroy(), limits.lingerMs).unref()
      return
    }
    const connection = serveConnection({
      socket,
      admission,
      security,
      dataPorts,
      limits,
      log,
      implicit,
    })
    connections.add(connection)
    void connection.ended.then(() => connections.delete(connection))
    if (stopped !== undefined) connection.drain()
  }

  async function listen(port: number, implicit: boolean): Promise<Server> {
    const server = createServer({ pauseOnConnect: true }, (socket) => void accept(socket, implicit))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', (error) => log.error('ftps listener failed', { error }))
    return server
  }

  const servers = await Promise.all([
    listen(options.explicitPort, false),
    listen(options.implicitPort, true),
  ])
  const [explicitPort = 0, implicitPort = 0] = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })

  async function stop(graceMs: number): Promise<void> {
    for (const server of servers) server.close()
    for (const connection of connections) connection.drain()
    const deadline = Date.now() + graceMs
    while (connections.size > 0 && Date.now() < deadline) {
      if (![...connections].some(({ busy }) => busy)) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const connection of connections) connection.destroy('server stopped')
    passive.close()
    await Promise.all([...connections].map(({ ended }) => ended))
  }

  return {
    explicitPort,
    implicitPort,
    isListening: () => servers.every(({ listening }) => listening),
    reload: (certificate) => security.reload(certificate),
    stop(graceMs) {
      stopped ??= stop(graceMs)
      return stopped
    },
  }
}
