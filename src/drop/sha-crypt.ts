import { createHash, timingSafeEqual } from 'node:crypto'

/** `$6$[rounds=N$]salt$digest`, as crypt(3) writes it into /etc/shadow. */
const shape = /^\$6\$(?:rounds=(\d{1,9})\$)?([^$:\n]{0,16})\$([./0-9A-Za-z]{86})$/
const defaultRounds = 5_000
/** The specification's bounds; its upper one, 999,999,999, would take a core for hours. */
const rounds = { least: 1_000, most: 1_000_000 }
const digestBytes = 64

const letters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function sha512(...parts: Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** `length` bytes of `digest` again and again. */
function repeated(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest)
}

/** Three bytes become four letters, least significant first; the order of the bytes rotates (step 22). */
function encode(digest: Buffer): string {
  let text = ''
  const add = (value: number, count: number): void => {
    for (let n = 0, left = value; n < count; n += 1, left >>= 6) text += letters[left & 63] ?? ''
  }
  const at = (index: number): number => digest[index] ?? 0
  let [a, b, c] = [0, 21, 42]
  for (let n = 0; n < 21; n += 1) {
    add((at(a) << 16) | (at(b) << 8) | at(c), 4)
    ;[a, b, c] = [b + 1, c + 1, a + 1]
  }
  add(at(63), 2)
  return text
}

/** The digest of crypt(3)'s SHA-512 method; the numbers are the steps of the specification (Drepper, 2007). */
function digestOf(key: Buffer, salt: Buffer, count: number): Buffer {
  // 4 to 8
  const b = sha512(key, salt, key)
  // 1 to 3, 9 and 10
  const parts = [key, salt, repeated(b, key.length)]
  // 11
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? b : key)
  // 12
  let a = sha512(...parts)
  // 13 to 16
  const p = repeated(sha512(...Array.from({ length: key.length }, () => key)), key.length)
  // 17 to 20
  const times = 16 + (a[0] ?? 0)
  const s = repeated(sha512(...Array.from({ length: times }, () => salt)), salt.length)
  // 21
  for (let round = 0; round < count; round += 1) {
    const odd = round % 2 === 1
    const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])]
    a = sha512(odd ? p : a, ...middle, odd ? a : p)
  }
  return a
}

/**
 * Whether `password` makes `stored`, a `$6$` line; false for anything else.
 *
 * 5,000 rounds take 20 to 40 ms of the thread that it runs in.
 */
export function verifyShaCrypt(stored: string, password: string): boolean {
  const match = shape.exec(stored)
  if (match === null) return false
  const [, given, salt = '', expected = ''] = match
  const count = Math.max(rounds.least, given === undefined ? defaultRounds : Number(given))
  if (count > rounds.most) return false
  const digest = digestOf(Buffer.from(password), Buffer.from(salt), count)
  if (digest.length !== digestBytes) return false
  return timingSafeEqual(Buffer.from(encode(digest)), Buffer.from(expected))
}
