import { createDecipheriv, createHmac, KeyObject, timingSafeEqual } from 'node:crypto'

/** ssh2's bound of one packet; RFC 4253 section 6.1 asks for 35,000 at least. */
const maxPacketBytes = 35_000
const tagBytes = 16

/** Decrypts and verifies one whole packet; throws when it has been touched. */
interface Opener {
  /** Bytes behind the encrypted part. */
  readonly trailerBytes: number
  /** The encrypted part is a multiple of it. */
  readonly blockBytes: number
  open(packet: Buffer, sequence: number): Buffer
}

type Fields = Record<string, unknown>

/** AES-GCM (RFC 5647): the length is authenticated, not encrypted; the counter of the IV grows with each packet. */
function gcmOpener(decipher: Fields): Opener | undefined {
  const { _decipherSSLName: name, _decipherKey: key, _decipherIV: iv, _lenBytes: begun } = decipher
  if (name !== 'aes-128-gcm' && name !== 'aes-256-gcm') return undefined
  if (!(key instanceof KeyObject) || !Buffer.isBuffer(iv) || iv.length !== 12 || begun !== 0) {
    return undefined
  }
  return {
    trailerBytes: tagBytes,
    blockBytes: 16,
    open(packet) {
      const end = packet.length - tagBytes
      const gcm = createDecipheriv(name, key, iv, { authTagLength: tagBytes })
      gcm.setAAD(packet.subarray(0, 4))
      const plain = gcm.update(packet.subarray(4, end))
      gcm.setAuthTag(packet.subarray(end))
      gcm.final()
      // 64 bits, without a BigInt for each packet.
      for (let byte = 11; byte >= 4; byte -= 1) {
        const next = ((iv[byte] ?? 0) + 1) & 0xff
        iv[byte] = next
        if (next !== 0) break
      }
      return plain
    },
  }
}

function hasUpdate(value: unknown): value is { update(bytes: Buffer): Buffer } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'update' in value &&
    typeof value.update === 'function'
  )
}

/** AES-CTR with an encrypt-then-MAC: the MAC is over the number of the packet, its length and what is encrypted. */
function ctrOpener(decipher: Fields): Opener | undefined {
  const {
    _decipherInstance: cipher,
    _macETM: encryptThenMac,
    _macSSLName: hash,
    _macKey: key,
    _macActualLen: trailerBytes,
    _blockSize: blockBytes,
    _blockPos: begun,
  } = decipher
  if (encryptThenMac !== true || !hasUpdate(cipher) || begun !== 0) return undefined
  if (typeof hash !== 'string' || typeof trailerBytes !== 'number') return undefined
  if (!(key instanceof KeyObject) || typeof blockBytes !== 'number') return undefined
  const number = Buffer.alloc(4)
  return {
    trailerBytes,
    blockBytes,
    open(packet, sequence) {
      const end = packet.length - trailerBytes
      number.writeUInt32BE(sequence)
      const mac = createHmac(hash, key).update(number).update(packet.subarray(0, end)).digest()
      if (!timingSafeEqual(mac.subarray(0, trailerBytes), packet.subarray(end))) {
        throw new Error('Invalid MAC')
      }
      return cipher.update(packet.subarray(4, end))
    },
  }
}

/**
 * Exchanges the `decrypt` of one of ssh2's deciphers for one that takes whole packets.
 *
 * ssh2 decrypts a packet in the pieces in which it came and puts those together in new memory; whole, each is one
 * call and one buffer, and takes a fifth less time. Changes nothing where it finds something else.
 */
export function takeWholePackets(decipher: Fields): void {
  const opener = gcmOpener(decipher) ?? ctrOpener(decipher)
  if (opener === undefined) return
  const { trailerBytes, blockBytes } = opener
  /** A packet of which a part has come. */
  let held: Buffer | undefined
  let have = 0

  function totalBytes(length: number): number {
    if (length < blockBytes || length % blockBytes !== 0 || length > maxPacketBytes) {
      throw new Error('Bad packet length')
    }
    return 4 + length + trailerBytes
  }

  function deliver(packet: Buffer): unknown {
    const sequence = Number(decipher['inSeqno'])
    const plain = opener?.open(packet, sequence) ?? Buffer.alloc(0)
    decipher['inSeqno'] = (sequence + 1) >>> 0
    const end = plain.length - (plain[0] ?? 0)
    if (end < 1) throw new Error('Bad padding length')
    // Looked up each time: it is another one during a key exchange.
    const onPayload = decipher['_onPayload']
    return typeof onPayload === 'function' ? onPayload(plain.subarray(1, end)) : undefined
  }

  /** The next whole packet from `at` on, and where it ends; undefined: more has to come. */
  function next(data: Buffer, at: number, end: number): { packet: Buffer; at: number } | undefined {
    let from = at
    if (have === 0 && end - from >= 4) {
      const total = totalBytes(data.readUInt32BE(from))
      if (end - from >= total)
        return { packet: data.subarray(from, from + total), at: from + total }
    }
    held ??= Buffer.allocUnsafeSlow(4 + maxPacketBytes + 64)
    if (have < 4) {
      const some = Math.min(4 - have, end - from)
      data.copy(held, have, from, from + some)
      have += some
      from += some
      if (have < 4) return undefined
    }
    const total = totalBytes(held.readUInt32BE(0))
    const some = Math.min(total - have, end - from)
    data.copy(held, have, from, from + some)
    have += some
    from += some
    if (have < total) return undefined
    have = 0
    return { packet: held.subarray(0, total), at: from }
  }

  decipher['decrypt'] = (data: Buffer, start: number, end: number): unknown => {
    for (let at = start; at < end;) {
      const found = next(data, at, end)
      if (found === undefined) return undefined
      at = found.at
      const result = deliver(found.packet)
      // As ssh2's own: false stands for "go on from here by another decipher".
      if (result !== undefined) return result === false ? at : result
    }
    return undefined
  }
}
