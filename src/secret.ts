import { createHash } from 'node:crypto'
import type { Clock } from './domain/clock.ts'

// No letter or digit that is taken for another when read out: 56 characters, 20 of them are 116 bits.
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'
const passwordLength = 20

/** A password that is easy to copy and hard to guess. */
export function newPassword(clock: Clock): string {
  let password = ''
  while (password.length < passwordLength) {
    for (const byte of clock.random(passwordLength)) {
      // Bytes above the last whole multiple would make the first letters likelier.
      if (byte < 256 - (256 % alphabet.length) && password.length < passwordLength) {
        password += alphabet[byte % alphabet.length] ?? ''
      }
    }
  }
  return password
}

/** A bearer token and the hash that is stored of it (spec/http-api.md). */
export function newToken(clock: Clock): { token: string; hash: string } {
  const token = `rd_${Buffer.from(clock.random(32)).toString('base64url')}`
  return { token, hash: createHash('sha256').update(token).digest('hex') }
}
