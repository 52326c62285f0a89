import { once } from 'node:events'
import type { Server } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A message as it came over the wire. */
interface Received {
  from: string
  to: string[]
  raw: Uint8Array
}

export interface ReceiverOptions {
  /** Refuses a recipient: the SMTP code of the answer. */
  refuseRecipient?: (address: string) => number | undefined
  /** Asked at the end of each message, from 1: an SMTP code to refuse it, or to cut the connection. */
  atEnd?: (message: number) => number | 'cut before answer' | undefined
  /** Asks for a login and refuses each. */
  refuseLogins?: boolean
  /** Milliseconds before the answer to a message. */
  answerAfterMs?: number
}

export interface Receiver {
  url: string
  /** Messages that came whole, whatever was answered. */
  received: Received[]
  stop(): Promise<void>
}

function refusal(code: number): Error {
  return Object.assign(new Error(`answer ${code} for the test`), { responseCode: code })
}

/** The TCP port that `server` listens on. */
export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

/** A real SMTP server on a free loopback port, with the faults that a test asks for. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.refuseLogins === true ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
    allowInsecureAuth: true,
    onAuth(_auth, _session, done) {
      done(refusal(535))
    },
    disableReverseLookup: true,
    onRcptTo({ address }, _session, done) {
      const code = options.refuseRecipient?.(address)
      done(code === undefined ? null : refusal(code))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks),
        })
        const answer = options.atEnd?.(received.length)
        if (answer === 'cut before answer') {
          for (const connection of server.connections) connection.close()
          return
        }
        const reply = (): void => done(answer === undefined ? null : refusal(answer))
        if (options.answerAfterMs === undefined) reply()
        else setTimeout(reply, options.answerAfterMs)
      })
    },
  })
  // Cut connections are part of the tests.
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    url: `smtp://127.0.0.1:${portOf(server.server)}`,
    received,
    async stop() {
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
}
