import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { clearTimeout, setTimeout } from 'node:timers'
import ssh2 from 'ssh2'
import type { Admission, Doorkeeper } from '../../domain/drop.ts'
import type { Log } from '../../domain/log.ts'
import { acceptProxy, socketEnds } from '../proxy-protocol.ts'
import { algorithmProfiles } from './algorithms.ts'
import type { AlgorithmProfile } from './algorithms.ts'
import { serveConnection } from './connection.ts'
import type { SftpConnection } from './connection.ts'
import { fingerprint as fingerprintOf } from './host-key.ts'
import { defaultLimits } from './limits.ts'
import type { SftpLimits } from './limits.ts'

/** What the server says it is: enough for a client's log, no version for a scanner. */
const identification = 'Rosterdrop'

export interface SftpListenerOptions {
  /** Address to listen on. */
  host: string
  /** 0: any free one. */
  port: number
  /** Ed25519 private key in OpenSSH or PEM format. */
  hostKey: string
  doorkeeper: Doorkeeper
  log: Log
  limits?: Partial<SftpLimits>
  /** Connections begin with a PROXY protocol header. Default: false. */
  proxyProtocol?: boolean
  /** `compat` lets devices in that know no algorithm of the last ten years. Default: `strict`. */
  algorithms?: AlgorithmProfile
}

export interface SftpListener {
  /** Whether its socket takes connections now. */
  isListening(): boolean
  readonly port: number
  /** SHA-256 fingerprint of the host key, as clients show it. */
  readonly fingerprint: string
  /** Takes no new connection, lets uploads finish for `graceMs`, then cuts them. Idempotent. */
  stop(graceMs: number): Promise<void>
}

/**
 * Starts the SFTP listener; resolves when it accepts connections.
 *
 * Throws AppError `invalid` for a host key other than Ed25519, and the error of `listen`.
 */
export async function startSftpListener(options: SftpListenerOptions): Promise<SftpListener> {
  const { doorkeeper, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const fingerprint = fingerprintOf(options.hostKey)
  /** Sockets that ssh2 reads the identification line of, by the far end that it reports back. */
  const greeting = new Map<string, { socket: Socket; admission: Admission; login: () => void }>()
  const sockets = new Map<Socket, SftpConnection | undefined>()
  let stopped: Promise<void> | undefined

  const ssh = new ssh2.Server({
    hostKeys: [options.hostKey],
    algorithms: algorithmProfiles[options.algorithms ?? 'strict'],
    ident: identification,
    keepaliveInterval: limits.keepAliveMs,
    keepaliveCountMax: 3,
  })
  ssh.on('error', (error: Error) => log.error('sftp listener failed', { error }))
  ssh.on('connection', (connection, info) => {
    const key = `${info.ip} ${info.port}`
    const greeted = greeting.get(key)
    greeting.delete(key)
    if (greeted === undefined) {
      connection.on('error', () => undefined)
      connection.end()
      return
    }
    const { socket, admission, login } = greeted
    admission.identify(info.header.versions.software.slice(0, 100))
    const served = serveConnection({
      connection,
      socket,
      admission,
      log,
      limits,
      onLogin: login,
    })
    sockets.set(socket, served)
    if (stopped !== undefined) served.drain()
  })

  async function accept(socket: Socket): Promise<void> {
    sockets.set(socket, undefined)
    // Without one an RST would end the process; the reason is told by whoever reads the socket.
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    const ends = options.proxyProtocol === true ? await acceptProxy(socket) : socketEnds(socket)
    const { address, port } = ends
    const admission = doorkeeper.admit({ address, port, protocol: 'sftp', clientVersion: null })
    const key = `${socket.remoteAddress} ${socket.remotePort}`
    const deadline = setTimeout(() => {
      log.info('sftp connection closed', { reason: 'no login in time', address })
      socket.destroy()
    }, admission.loginDeadlineMs)
    greeting.set(key, { socket, admission, login: () => clearTimeout(deadline) })
    socket.on('close', () => {
      clearTimeout(deadline)
      greeting.delete(key)
      admission.close()
    })
    ssh.injectSocket(socket)
  }

  const server = createServer((socket) => {
    accept(socket).catch((error: unknown) => {
      log.info('sftp connection refused', { reason: error instanceof Error ? error.message : '' })
      socket.destroy()
    })
  })
  server.maxConnections = limits.maxConnections
  server.on('error', (error) => log.error('sftp listener failed', { error }))

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port

  async function drain(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const [socket, connection] of sockets) {
      if (connection === undefined) socket.destroy()
      else connection.drain()
    }
    const cut = setTimeout(() => {
      for (const socket of sockets.keys()) socket.destroy()
    }, graceMs)
    const connections = [...sockets.values()]
    await closed
    clearTimeout(cut)
    for (const connection of connections) await connection?.closed
  }

  return {
    port,
    fingerprint,
    isListening: () => server.listening,
    stop(graceMs) {
      stopped ??= drain(graceMs)
      return stopped
    },
  }
}
