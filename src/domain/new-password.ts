import type { Clock } from './clock.ts'

// No letter or digit that is taken for another when read out: 56 characters, 20 of them are 116 bits.
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'
const passwordLength = 20

/** At least this long where a person chooses it: argon2id and the penalties make guessing slow, not impossible. */
export const leastPasswordLength = 12

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
