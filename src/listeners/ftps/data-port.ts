import { connect, createServer, isIP } from 'node:net'
import type { Server, Socket } from 'node:net'
import { AppError } from '../../domain/error.ts'
import { acceptProxy, plainAddress, socketEnds } from '../proxy-protocol.ts'
import { Refusal } from './reply.ts'
import type { SecureStream } from './secure.ts'

/** Where one data connection of one peer will come from. */
export interface DataPort {
  /** The port that was opened for it; that of the peer in active mode. */
  readonly port: number
  /** False when it has waited too long, or was closed. */
  readonly waiting: boolean
  /** The data connection, once it has come and while nobody has taken it. */
  readonly arrived: SecureStream | undefined
  /**
   * The data connection; rejects with AppError `unavailable` when none comes. Its handshake is answered from the first
   * byte on: a client that begins it before its command, as curl does, is not made to wait (docs/decisions/0051).
   */
  stream(): Promise<SecureStream>
  close(): void
}

export interface PassiveOptions {
  /** Address to listen on. */
  host: string
  ports: { first: number; last: number }
  /** Every data connection comes to the first port, and its PROXY header says which one it was sent to. */
  proxyProtocol: boolean
  waitMs: number
  /** Puts TLS on a data connection. */
  secure: (socket: Socket) => SecureStream
}

/** The passive ports of a listener. */
export interface Passive {
  open(peerAddress: string): Promise<DataPort>
  close(): void
}

const noConnection = 'Cannot transfer: no data connection came in time'

/** The ports of a range in random order, drawn as they are asked for: the first is free, mostly. */
function* drawn(first: number, last: number): Generator<number> {
  // Fisher and Yates, of which only what has been exchanged is kept.
  const exchanged = new Map<number, number>()
  for (let left = last - first + 1; left > 0; left -= 1) {
    const at = Math.floor(Math.random() * left)
    yield first + (exchanged.get(at) ?? at)
    exchanged.set(at, exchanged.get(left - 1) ?? left - 1)
  }
}

function freeOf(
  { first, last }: PassiveOptions['ports'],
  taken: ReadonlyMap<number, unknown>,
): number | undefined {
  for (const port of drawn(first, last)) if (!taken.has(port)) return port
  return undefined
}

/** One wait for one connection; `offer` takes it, `end` is called once it waits no longer. */
function waitFor(
  port: number,
  { waitMs, secure }: Pick<PassiveOptions, 'waitMs' | 'secure'>,
  end: () => void,
) {
  const found = Promise.withResolvers<SecureStream>()
  // Nobody waits for it when the peer asks for another port instead.
  found.promise.catch(() => undefined)
  let waiting = true
  let taken: SecureStream | undefined
  let handedOver = false
  const timer = setTimeout(close, waitMs)
  function finish(): void {
    waiting = false
    clearTimeout(timer)
    end()
  }
  function close(): void {
    if (taken !== undefined && !handedOver) taken.tls.destroy()
    if (!waiting) return
    finish()
    found.reject(new AppError('unavailable', noConnection))
  }
  return {
    port,
    get waiting() {
      return waiting || taken !== undefined
    },
    get arrived() {
      return handedOver ? undefined : taken
    },
    stream() {
      handedOver = true
      return found.promise
    },
    close,
    offer(socket: Socket): void {
      if (!waiting) {
        socket.destroy()
        return
      }
      taken = secure(socket)
      finish()
      found.resolve(taken)
    },
  }
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
      server.on('error', () => undefined)
      resolve(true)
    })
  })
}

function allInUse(): AppError {
  return new Refusal(
    425,
    'unavailable',
    'Cannot open a data connection: all ports are in use, try again',
  )
}

/** A port is opened for each transfer, in random order so that nobody can guess the next one (RFC 2577 section 8). */
function openedPorts(options: PassiveOptions): Passive {
  const { host, ports } = options
  return {
    async open(peerAddress) {
      for (const port of drawn(ports.first, ports.last)) {
        const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
          socket.on('error', () => undefined)
          // Another address is sent away, and the port goes on waiting: that harms nobody.
          if (socketEnds(socket).address === peerAddress) wait?.offer(socket)
          else socket.destroy()
        })
        if (!(await listening(server, port, host))) continue
        const wait = waitFor(port, options, () => server.close())
        return wait
      }
      throw allInUse()
    },
    close: () => undefined,
  }
}

/**
 * Behind a proxy, the first port takes the connections of all, told apart by the port that the peer connected to; the
 * announced port listens too, for a proxy that keeps ports apart.
 */
async function sharedPort(options: PassiveOptions): Promise<Passive> {
  const { host, ports } = options
  const waits = new Map<number, { peerAddress: string; wait: ReturnType<typeof waitFor> }>()
  const accept = (socket: Socket): void => {
    socket.on('error', () => undefined)
    acceptProxy(socket).then(
      ({ address, destinationPort }) => {
        const found = waits.get(destinationPort)
        if (found?.peerAddress === address) found.wait.offer(socket)
        else socket.destroy()
      },
      () => socket.destroy(),
    )
  }
  const server = createServer({ pauseOnConnect: true, noDelay: true }, accept)
  if (!(await listening(server, ports.first, host))) {
    throw new AppError(
      'unavailable',
      `Cannot listen on port ${ports.first}: it is in use, the first passive port must be free`,
    )
  }
  return {
    async open(peerAddress) {
      const port = freeOf(ports, waits)
      if (port === undefined) throw allInUse()
      const own = createServer({ pauseOnConnect: true, noDelay: true }, accept)
      const wait = waitFor(port, options, () => {
        waits.delete(port)
        own.close()
      })
      waits.set(port, { peerAddress, wait })
      // Where it cannot listen, the first port is still there.
      if (port !== ports.first) await listening(own, port, host)
      return wait
    },
    close: () => server.close(),
  }
}

/** Passive ports; a connection from another address than the peer's is closed and harms nobody. */
export async function createPassive(options: PassiveOptions): Promise<Passive> {
  return options.proxyProtocol ? sharedPort(options) : openedPorts(options)
}

/** An address and a port as PORT, PASV and EPRT write them. */
export interface PeerPort {
  address: string
  port: number
}

/** The six numbers of PORT (RFC 959 section 4.1.2); undefined when they are none. */
export function parseHostPort(text: string): PeerPort | undefined {
  const match = /^(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})$/.exec(text)
  const numbers = (match ?? []).slice(1).map(Number)
  if (numbers.length !== 6 || numbers.some((number) => number > 255)) return undefined
  const [high = 0, low = 0] = numbers.slice(4)
  return { address: numbers.slice(0, 4).join('.'), port: high * 256 + low }
}

/** `|1|address|port|` of EPRT (RFC 2428 section 2); `unknown` for a protocol that is neither IPv4 nor IPv6. */
export function parseExtended(text: string): PeerPort | 'unknown' | undefined {
  const delimiter = text[0] ?? ''
  const parts = text.split(delimiter)
  const [, family = '', address = '', port = ''] = parts
  if (delimiter === '' || parts.length !== 5 || !/^\d+$/.test(family)) return undefined
  if (family !== '1' && family !== '2') return 'unknown'
  if (isIP(address) !== (family === '1' ? 4 : 6)) return undefined
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return undefined
  return { address: plainAddress(address), port: Number(port) }
}

/** The six numbers of a 227 reply; undefined where the address is not IPv4 (RFC 959, RFC 2428). */
export function hostPort(address: string, port: number): string | undefined {
  if (isIP(address) !== 4) return undefined
  return [...address.split('.'), port >> 8, port & 0xff].join(',')
}

/** Active mode: this side connects, once the transfer begins. */
export function activePort(
  { address, port }: PeerPort,
  { waitMs, secure }: Pick<PassiveOptions, 'waitMs' | 'secure'>,
): DataPort {
  let connecting: Socket | undefined
  return {
    port,
    waiting: true,
    arrived: undefined,
    stream() {
      const opened = connect({ host: address, port, noDelay: true })
      connecting = opened
      return new Promise((resolve, reject) => {
        const failed = (): void => {
          clearTimeout(timer)
          opened.destroy()
          reject(new AppError('unavailable', 'Cannot transfer: the port does not answer'))
        }
        const timer = setTimeout(failed, waitMs)
        opened.on('error', failed)
        opened.once('connect', () => {
          clearTimeout(timer)
          connecting = undefined
          opened.pause()
          resolve(secure(opened))
        })
      })
    },
    close: () => connecting?.destroy(),
  }
}
