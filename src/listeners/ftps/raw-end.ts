import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/**
 * A stream between a socket and the TLS on it that keeps the socket's end to itself.
 *
 * Node's TLSSocket says `end` for a close_notify and for a bare FIN alike, and Deno's for a reset too: above this
 * stream `end` is a close_notify, and the socket's own end is told by `onRawEnd` (facts.md). It also holds the
 * ciphertext when asked to, since a TLSSocket under Deno loses its end once it was paused.
 */
export class RawEnd extends Duplex {
  readonly #socket: Socket
  #held = false
  #ended = false

  constructor(socket: Socket, onRawEnd: () => void) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    const ended = (): void => {
      if (this.#ended) return
      this.#ended = true
      onRawEnd()
    }
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', ended)
    socket.on('close', ended)
    socket.on('error', ended)
    socket.pause()
  }

  /** Stops or goes on handing ciphertext up. */
  hold(held: boolean): void {
    this.#held = held
    if (held) this.#socket.pause()
    else if (!this.#ended) this.#socket.resume()
  }

  override _read(): void {
    if (!this.#held) this.#socket.resume()
  }

  override _write(
    chunk: Buffer,
    _: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.#socket.destroyed) callback()
    else this.#socket.write(chunk, () => callback())
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) callback()
    else this.#socket.end(() => callback())
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy()
    callback(error)
  }
}
