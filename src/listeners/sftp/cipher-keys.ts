import { createSecretKey } from 'node:crypto'
import { takeWholePackets } from './decipher.ts'

/** Fields of ssh2's ciphers that hold a key which it passes to createCipheriv or createHmac for each packet. */
const keyFields = ['_decipherKey', '_encKey', '_macKey', '_encKeyMain', '_encKeyPktLen'] as const

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Exchanges the raw keys of a connection's ciphers for KeyObjects, after each key exchange.
 *
 * Node copies and checks a raw key on each use: 31 us a packet against 4. This file, decipher.ts and
 * request-failure.ts alone know ssh2 from the inside; where they find something else, they change nothing.
 */
export function prepareCipherKeys(connection: object): void {
  const protocol = '_protocol' in connection ? connection._protocol : undefined
  if (!isObject(protocol)) return
  for (const cipher of [protocol['_cipher'], protocol['_decipher']]) {
    if (!isObject(cipher)) continue
    for (const field of keyFields) {
      const key = cipher[field]
      if (Buffer.isBuffer(key)) cipher[field] = createSecretKey(key)
    }
  }
  const decipher = protocol['_decipher']
  if (isObject(decipher)) takeWholePackets(decipher)
}
