import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * The one file that touches ftp-srv: its connection object, for the framing of replies, and nothing else of it.
 *
 * facts.md lists what is broken in the rest, and docs/decisions/0020 says what this leaves.
 */
interface FtpConnection {
  /** One line, or several with the hyphens of RFC 959 section 4.2; a raw one goes out as it is. */
  reply(code: number, ...lines: (string | { message: string; raw: true })[]): PromiseLike<unknown>
}

type FtpConnectionClass = new (
  server: object,
  options: { socket: Socket | TLSSocket; log: object },
) => FtpConnection

// CommonJS modules without types for their parts.
const load = createRequire(import.meta.url)
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape above is held by the tests
const Connection = load('ftp-srv/src/connection') as FtpConnectionClass
// ftp-srv's promises: each of the ten steps of a reply would wait for its own turn of the event loop (docs/decisions/0080).
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- bluebird's public API
const promises = createRequire(load.resolve('ftp-srv/src/connection'))('bluebird') as {
  setScheduler(schedule: (work: () => void) => void): void
}
promises.setScheduler(queueMicrotask)

const nothing = (): void => undefined
const quiet = { child: () => quiet, trace: nothing, info: nothing, warn: nothing, error: nothing }
const server = { options: {}, isTLS: false, emit: nothing, listeners: () => [] }

class ShellConnection extends Connection {
  // ftp-srv would split, parse and run what comes: we frame it ourselves.
  _handleData(): void {}
}

/** The replies of one control connection, one after the other. */
export interface Shell {
  /** Writes a reply; several lines are framed as one. Never rejects. */
  reply(code: number, ...lines: string[]): Promise<void>
}

/** ftp-srv's connection around a control socket. */
export function createShell(socket: Socket | TLSSocket): Shell {
  // Its constructor listens for data; the listener does nothing, and must not set the stream flowing.
  const paused = socket.isPaused()
  const before = socket.listeners('data')
  const connection = new ShellConnection(server, { socket, log: quiet })
  for (const listener of socket.listeners('data')) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node types what it gives back as Function
    if (!before.includes(listener)) socket.removeListener('data', listener as () => void)
  }
  if (paused) socket.pause()
  // The reply to a STAT in mid-transfer must not come between the lines of another.
  let tail: PromiseLike<unknown> = Promise.resolve()
  return {
    async reply(code, ...lines) {
      const last = lines.length - 1
      // Lines between the first and the last have no code: a space in front keeps them apart (RFC 2389 section 3.2).
      const letters = lines.map((line, index) =>
        index === 0 || index === last ? line : ({ message: ` ${line}`, raw: true } as const),
      )
      tail = tail.then(() => connection.reply(code, ...letters))
      await tail
    },
  }
}
