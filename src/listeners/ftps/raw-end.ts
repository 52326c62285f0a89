import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createRecordScan } from './records.ts'
import { readInto } from '../reused-room.ts'

// One for all sockets: what is read has been decrypted, or copied, before the next one reads.
const room = Buffer.allocUnsafeSlow(256 * 1024)

/** A FIN, or a connection that was reset or closed from here. */
export type RawEndKind = 'fin' | 'lost'

export interface RawEndOptions {
  /** The socket has ended, whatever the TLS says. */
  onRawEnd: (how: RawEndKind) => void
  /** A data connection: what TLS 1.3 sends behind its handshake is kept until `release`. */
  data: boolean
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

  constructor(socket: Socket, { onRawEnd, data }: RawEndOptions) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#holdsTickets = data
    const incoming = createRecordScan()
    const ended = (how: RawEndKind): void => {
      if (this.#ended) return
      this.#ended = true
      onRawEnd(how)
    }
    const take = (chunk: Buffer, reused: boolean): void => {
      this.#begun = true
      // The client's part of the handshake is the first that it encrypts.
      if (this.#holdsTickets && !this.#handshaken) this.#handshaken = incoming.sees(chunk)
      if (reused && this.readableFlowing === true && this.readableLength === 0) {
        // Not by push, which may keep it: whoever listens takes it at once.
        this.emit('data', chunk)
      } else if (!this.push(reused ? Buffer.from(chunk) : chunk)) socket.pause()
    }
    socket.on('data', (chunk: Buffer) => take(chunk, false))
    if (data) readInto(socket, room, (chunk) => take(chunk, true))
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
