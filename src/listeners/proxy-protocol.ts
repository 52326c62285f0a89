import type { Socket } from 'node:net'
import { AppError } from '../domain/error.ts'

/** Both ends of a connection as the peer sees them. */
export interface SocketEnds {
  /** Numeric IPv4 or IPv6 address of the peer, without zone. */
  address: string
  port: number
  /** The port that the peer connected to. */
  destinationPort: number
}

/** A parsed header; `ends` is null when the proxy speaks for itself (LOCAL, UNKNOWN). */
export interface ProxyHeader {
  /** Bytes of the header. */
  length: number
  ends: SocketEnds | null
}

/** "PROXY TCP6 …\r\n" is at most 107 bytes (PROXY protocol specification, section 2.1). */
const maxTextBytes = 107
/** Real headers with all TLVs stay below 600 bytes; the 16-bit length would let a peer fill 64 KiB. */
const maxBinaryBytes = 4_096
/** A proxy sends its header in the first packet; whoever takes longer is no proxy. */
const headerTimeoutMs = 5_000

const textSignature = new TextEncoder().encode('PROXY ')
const binarySignature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10)

function startsLike(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length)
  for (let i = 0; i < length; i += 1) if (bytes[i] !== signature[i]) return false
  return true
}

function bad(what: string): AppError {
  return new AppError(
    'invalid',
    `Cannot read the PROXY header: ${what}, version 1 or 2 of the PROXY protocol is needed`,
  )
}

function ipv4(bytes: Uint8Array): string {
  return bytes.join('.')
}

function ipv6(bytes: Uint8Array): string {
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) {
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16))
  }
  const text = groups.join(':')
  const mapped = text.startsWith('0:0:0:0:0:ffff:')
  // The longest run of zero groups is what `::` stands for; the URL parser knows the rule.
  return mapped ? ipv4(bytes.subarray(12)) : new URL(`http://[${text}]/`).hostname.slice(1, -1)
}

const port = /^(0|[1-9]\d{0,4})$/

function parseText(bytes: Uint8Array): ProxyHeader | undefined {
  const end = bytes.indexOf(13)
  if (end === -1 || end + 1 >= bytes.length) {
    if (bytes.length >= maxTextBytes) throw bad('the line has no end')
    return undefined
  }
  if (bytes[end + 1] !== 10 || end + 2 > maxTextBytes) throw bad('the line has no end')
  const words = new TextDecoder('latin1').decode(bytes.subarray(0, end)).split(' ')
  const length = end + 2
  if (words[1] === 'UNKNOWN') return { length, ends: null }
  const [, family, source, destination, sourcePort, destinationPort] = words
  const shape = family === 'TCP4' ? /^\d{1,3}(\.\d{1,3}){3}$/ : /^[0-9a-f:.]*:[0-9a-f:.]*$/i
  if (
    words.length !== 6 ||
    (family !== 'TCP4' && family !== 'TCP6') ||
    source === undefined ||
    destination === undefined ||
    !shape.test(source) ||
    !shape.test(destination) ||
    !port.test(sourcePort ?? '') ||
    !port.test(destinationPort ?? '') ||
    Number(sourcePort) > 65_535 ||
    Number(destinationPort) > 65_535
  ) {
    throw bad('the line has other fields than it should')
  }
  return {
    length,
    ends: {
      address: plainAddress(source),
      port: Number(sourcePort),
      destinationPort: Number(destinationPort),
    },
  }
}

function parseBinary(bytes: Uint8Array): ProxyHeader | undefined {
  if (bytes.length < 16) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = 16 + view.getUint16(14)
  if (length > maxBinaryBytes) throw bad(`it has ${length} bytes`)
  const command = view.getUint8(12)
  if (command !== 0x20 && command !== 0x21) throw bad(`its version and command are ${command}`)
  if (bytes.length < length) return undefined
  if (command === 0x20) return { length, ends: null }
  const family = view.getUint8(13)
  if (family === 0x11 && length >= 28) {
    const address = ipv4(bytes.subarray(16, 20))
    return {
      length,
      ends: { address, port: view.getUint16(24), destinationPort: view.getUint16(26) },
    }
  }
  if (family === 0x21 && length >= 52) {
    const address = ipv6(bytes.subarray(16, 32))
    return {
      length,
      ends: { address, port: view.getUint16(48), destinationPort: view.getUint16(50) },
    }
  }
  if (family === 0x00) return { length, ends: null }
  throw bad(`its address family is ${family}`)
}

/**
 * Parses the PROXY header (version 1 or 2) that `bytes` begin with; undefined while there is not enough of it.
 *
 * Throws AppError `invalid` for anything else, as soon as it can be told.
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  if (bytes.length === 0) return undefined
  if (startsLike(bytes, binarySignature)) return parseBinary(bytes)
  if (!startsLike(bytes, textSignature)) throw bad('the first bytes are something else')
  return bytes.length < textSignature.length ? undefined : parseText(bytes)
}

/** An address as limits and logs count it: without zone, and IPv4 as IPv4. */
export function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}

/** Both ends of a socket that has no proxy before it. */
export function socketEnds(socket: Socket): SocketEnds {
  return {
    address: plainAddress(socket.remoteAddress ?? '0.0.0.0'),
    port: socket.remotePort ?? 0,
    destinationPort: socket.localPort ?? 0,
  }
}

/**
 * Takes the PROXY header off a fresh socket; what came behind it is read next from the socket.
 *
 * Rejects with AppError `invalid` for a bad or late header; the caller destroys the socket then.
 */
export function acceptProxy(socket: Socket, timeoutMs = headerTimeoutMs): Promise<SocketEnds> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const timer = setTimeout(() => finish(bad(`nothing came for ${timeoutMs} ms`)), timeoutMs)
    function finish(outcome: SocketEnds | Error): void {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('close', onClose).off('error', onClose)
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    function onClose(): void {
      finish(bad('the connection ended'))
    }
    function onData(chunk: Buffer): void {
      bytes = Buffer.concat([bytes, chunk])
      try {
        const header = parseProxyHeader(bytes)
        if (header === undefined) return
        finish(header.ends ?? socketEnds(socket))
        if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      } catch (error) {
        finish(error instanceof Error ? error : new Error(String(error)))
      }
    }
    socket.on('data', onData).on('close', onClose).on('error', onClose)
    // One that was accepted paused stays so, whoever listens.
    socket.resume()
  })
}
