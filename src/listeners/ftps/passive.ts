import { createServer, isIP } from 'node:net'
import type { Server, Socket } from 'node:net'
import { AppError } from '../../domain/error.ts'
import { acceptProxy, socketEnds } from '../proxy-protocol.ts'

export interface PassiveOptions {
  /** Address to listen on. */
  host: string
  ports: { first: number; last: number }
  /** Data connections begin with a PROXY header, whose source address counts. */
  proxyProtocol: boolean
  waitMs: number
}

/** A port that waits for one data connection of one peer. */
export interface PassivePort {
  readonly port: number
  /** The data connection; rejects when none came in time, or `close` was called. */
  readonly socket: Promise<Socket>
  close(): void
}

function shuffled(first: number, last: number): number[] {
  const ports = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  for (let i = ports.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1))
    const [a, b] = [ports[i] ?? first, ports[j] ?? first]
    ports[i] = b
    ports[j] = a
  }
  return ports
}

function listening(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    }
    server.once('error', refused)
    server.listen(port, host, () => {
      server.off('error', refused)
      resolve(true)
    })
  })
}

/**
 * Opens a free port of the range, in random order so that nobody can guess the next one (RFC 2577 section 8).
 *
 * A connection from another address than `peerAddress` is closed and harms nobody. Throws AppError `unavailable`
 * when no port is free.
 */
export async function openPassive(
  options: PassiveOptions,
  peerAddress: string,
): Promise<PassivePort> {
  const { host, ports, proxyProtocol, waitMs } = options
  for (const port of shuffled(ports.first, ports.last)) {
    const found = Promise.withResolvers<Socket>()
    // Nobody waits for it when the client asks for another port instead.
    found.promise.catch(() => undefined)
    let taken = false
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on('error', () => undefined)
      const ends = proxyProtocol ? acceptProxy(socket) : Promise.resolve(socketEnds(socket))
      ends.then(
        ({ address }) => {
          if (taken || address !== peerAddress) {
            socket.destroy()
            return
          }
          taken = true
          clearTimeout(timer)
          server.close()
          found.resolve(socket)
        },
        () => socket.destroy(),
      )
    })
    if (!(await listening(server, port, host))) continue
    server.on('error', () => undefined)
    const close = (): void => {
      clearTimeout(timer)
      if (taken) return
      taken = true
      server.close()
      found.reject(new AppError('unavailable', 'Cannot transfer: no data connection came in time'))
    }
    const timer = setTimeout(close, waitMs)
    return { port, socket: found.promise, close }
  }
  throw new AppError(
    'unavailable',
    'Cannot open a data connection: all ports are in use, try again',
  )
}

/** The six numbers of a 227 reply; undefined where the address is not IPv4 (RFC 959, RFC 2428). */
export function hostPort(address: string, port: number): string | undefined {
  if (isIP(address) !== 4) return undefined
  return [...address.split('.'), port >> 8, port & 0xff].join(',')
}
