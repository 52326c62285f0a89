import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createRecordScan } from './records.ts'

/** A FIN, or a connection that was reset or closed from here. */
export type RawEndKind = 'fin' | 'lost'

export interface RawEndOptions {
  /** The socket has ended, whatever the TLS says. */
  onRawEnd: (how: RawEndKind) => void
  /** Keep what TLS 1.3 sends behind its handshake, until `release`. */
  holdTickets: boolean
}

/**
 * A stream between a socket and the TLS on it that keeps the socket's end to itself.
 *
 * Node's TLSSocket says `end` for a close_notify and for a bare FIN alike, and Deno's for a reset too: above this
 * stream `end` is a close_notify, and the socket's own end is told by `onRawEnd` (facts.md). It also holds the
 * ciphertext when asked to, since a TLSSocket under Deno loses its end once it was paused.
 *
 * And it holds back the session tickets of TLS 1.3: a client that only sends closes with them unread, its kernel
 * answers with a reset, and the reset takes the end of the file with it.
 */
export class RawEnd extends Duplex {
  readonly #socket: Socket
  readonly #outgoing = createRecordScan()
  #held = false
  #begun = false
  #ended = false
  #holdsTickets: boolean
  #versionThree = false
  #handshaken = false
  #kept: Buffer[] = []
  #finish: (() => void) | undefined

  constructor(socket: Socket, { onRawEnd, holdTickets }: RawEndOptions) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#holdsTickets = holdTickets
    const incoming = createRecordScan()
    const ended = (how: RawEndKind): void => {
      if (this.#ended) return
      this.#ended = true
      onRawEnd(how)
    }
    socket.on('data', (chunk: Buffer) => {
      this.#begun = true
      // The client's part of the handshake is the first that it encrypts.
      if (this.#holdsTickets && !this.#handshaken) this.#handshaken = incoming.sees(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => ended('fin'))
    socket.on('close', () => ended('lost'))
    socket.on('error', () => ended('lost'))
    socket.pause()
  }

  /** Something has come. */
  get begun(): boolean {
    return this.#begun
  }

  /** Stops or goes on handing ciphertext up. */
  hold(held: boolean): void {
    this.#held = held
    if (held) this.#socket.pause()
    else if (!this.#ended) this.#socket.resume()
  }

  /** The peer has said all that it had to say: it may have the tickets. */
  release(): void {
    this.#holdsTickets = false
    if (!this.#socket.destroyed) for (const chunk of this.#kept) this.#socket.write(chunk)
    this.#kept = []
    this.#finish?.()
    this.#finish = undefined
  }

  override _read(): void {
    if (!this.#held) this.#socket.resume()
  }

  override _write(
    chunk: Buffer,
    _: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.#holdsTickets) {
      // TLS 1.2 encrypts nothing of the handshake under this type, and its tickets belong to the handshake.
      if (!this.#handshaken && this.#outgoing.sees(chunk)) this.#versionThree = true
      if (this.#handshaken && this.#versionThree) {
        this.#kept.push(chunk)
        callback()
        return
      }
    }
    if (this.#socket.destroyed) callback()
    else this.#socket.write(chunk, () => callback())
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish = () => {
      if (this.#socket.destroyed) callback()
      else this.#socket.end(() => callback())
    }
    if (this.#kept.length === 0) this.release()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy()
    callback(error)
  }
}
