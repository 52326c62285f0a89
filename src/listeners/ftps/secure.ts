import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { RawEnd } from './raw-end.ts'

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

/** TLS over one socket, with the ends of both told apart. */
export interface SecureStream {
  readonly tls: TLSSocket
  /** Stops or goes on reading, beneath the TLS. */
  hold(held: boolean): void
  /** The socket beneath has ended, whatever the TLS says. */
  readonly rawEnded: boolean
  readonly onRawEnd: (listener: () => void) => void
}

/** The server's side of TLS on control and data connections; one set of ticket keys, so that a session can be reused. */
export function createSecurity(certificate: Certificate) {
  const ticketKeys = randomBytes(48)
  let contexts = make(certificate)

  function make({ cert, key }: Certificate): { control: SecureContext; data: SecureContext } {
    const common = { cert, key, ciphers, ticketKeys, minVersion: 'TLSv1.2' } as const
    return {
      control: createSecureContext(common),
      // TLS 1.3 tickets on an upload lose data of clients that close without reading (facts.md).
      data: createSecureContext({ ...common, maxVersion: 'TLSv1.2' }),
    }
  }

  return {
    /** Takes another certificate for every connection from now on. */
    reload(next: Certificate): void {
      contexts = make(next)
    },
    /** Wraps a socket; `secure` of the TLSSocket says when the handshake is done. */
    wrap(socket: Socket, kind: 'control' | 'data'): SecureStream {
      let rawEnded = false
      const listeners: (() => void)[] = []
      const raw = new RawEnd(socket, () => {
        rawEnded = true
        for (const listener of listeners) listener()
      })
      raw.on('error', () => undefined)
      const tls = new TLSSocket(raw, { isServer: true, secureContext: contexts[kind] })
      return {
        tls,
        hold: (held) => raw.hold(held),
        get rawEnded() {
          return rawEnded
        },
        onRawEnd(listener) {
          if (rawEnded) listener()
          else listeners.push(listener)
        },
      }
    },
  }
}

export type Security = ReturnType<typeof createSecurity>
