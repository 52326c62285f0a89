import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { RawEnd } from './raw-end.ts'
import type { RawEndKind } from './raw-end.ts'
import { readInto } from '../reused-room.ts'

// One for all connections, of the largest record (RFC 8446 section 5.1): each chunk is taken before the next comes.
const room = Buffer.allocUnsafeSlow(16 * 1024)

// No CBC and no SHA-1 (promises.md P6). By name: Deno knows no classes, and Node takes TLS 1.3 away from a list without it.
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** A certificate with its key, PEM. */
export interface Certificate {
  cert: string
  key: string
}

/** TLS over one socket, with the ends of both told apart. */
export interface SecureStream {
  readonly tls: TLSSocket
  /** The peer has sent something. */
  readonly begun: boolean
  /** Stops or goes on reading, beneath the TLS. */
  hold(held: boolean): void
  /** Lets go of the session tickets that were held back. */
  release(): void
  /** The handshake is done. */
  readonly onSecure: Once<void>['listen']
  /** The TLS has failed. */
  readonly onError: Once<void>['listen']
  /** Every chunk of plaintext, also those that came before; of a data connection, its bytes are there for the call only. */
  readonly onData: (listener: (chunk: Buffer) => void) => void
  /** The peer has sent close_notify. */
  readonly onCleanEnd: Once<void>['listen']
  /** The socket beneath has ended, whatever the TLS says. */
  readonly onRawEnd: Once<RawEndKind>['listen']
}

/** Something that happens once, told to those who come late too. */
interface Once<T> {
  readonly fire: (how: T) => void
  readonly listen: (listener: (how: T) => void) => void
}

function createOnce<T>(): Once<T> {
  let happened: { how: T } | undefined
  const listeners: ((how: T) => void)[] = []
  return {
    fire(how) {
      if (happened !== undefined) return
      happened = { how }
      for (const listener of listeners) listener(how)
    },
    listen(listener) {
      if (happened === undefined) listeners.push(listener)
      else listener(happened.how)
    },
  }
}

/** The server's side of TLS on control and data connections; one set of ticket keys, so that a session can be reused. */
export function createSecurity(certificate: Certificate) {
  // The same for every certificate: a session of before a change goes on.
  const ticketKeys = randomBytes(48)
  let context = make(certificate)

  function make({ cert, key }: Certificate): SecureContext {
    return createSecureContext({
      cert,
      key,
      ciphers,
      honorCipherOrder: true,
      ticketKeys,
      minVersion: 'TLSv1.2',
    })
  }

  return {
    /** Takes another certificate for every connection from now on. */
    reload(next: Certificate): void {
      context = make(next)
    },
    /** Wraps a socket, and answers the handshake whenever it comes; of a data connection, tickets are held until `release`. */
    wrap(socket: Socket, { data }: { data: boolean }): SecureStream {
      // An end without a byte before it comes before anyone can listen for it.
      const [cleanEnd, rawEnd] = [createOnce<void>(), createOnce<RawEndKind>()]
      const [secure, failed] = [createOnce<void>(), createOnce<void>()]
      const raw = new RawEnd(socket, { data, onRawEnd: rawEnd.fire })
      raw.on('error', () => undefined)
      const tls = new TLSSocket(raw, { isServer: true, secureContext: context })
      // Each costs this side ten times what it costs the peer; three in ten minutes would be let pass.
      tls.disableRenegotiation()
      // Whoever waits for something has a listener of its own; an error that comes later harms nobody.
      tls.on('error', () => failed.fire())
      tls.once('secure', () => secure.fire())
      // Without a tls.Server, Node keeps errors behind the handshake to itself: this is the only word of them.
      tls.on('_tlsError', (error: Error) => tls.destroy(error))
      tls.once('end', () => cleanEnd.fire())
      // Read from the first byte on: under Deno, a TLSSocket that has had to wait once loses its end.
      let early: Buffer[] = []
      let take = (chunk: Buffer): void => {
        early.push(data ? Buffer.from(chunk) : chunk)
        raw.hold(true)
      }
      tls.on('data', (chunk: Buffer) => take(chunk))
      if (data) readInto(tls, room, (chunk) => take(chunk))
      return {
        tls,
        get begun() {
          return raw.begun
        },
        hold: (held) => raw.hold(held),
        release: () => raw.release(),
        onData(listener) {
          take = listener
          if (early.length > 0) raw.hold(false)
          for (const chunk of early) listener(chunk)
          early = []
        },
        onSecure: secure.listen,
        onError: failed.listen,
        onCleanEnd: cleanEnd.listen,
        onRawEnd: rawEnd.listen,
      }
    },
  }
}

export type Security = ReturnType<typeof createSecurity>
