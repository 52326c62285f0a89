import type { AccountKey } from './account.ts'
import { AppError } from './error.ts'

/** Kinds of keys that an account may have; RSA from 2048 bits on, no DSA. */
const keyAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
] as const

const leastRsaBits = 2048
// An RSA key of 16,384 bits has 2,800 characters.
const maxBlobLength = 4096
const maxCommentLength = 200

/** The length-prefixed fields of a key blob (RFC 4253 section 6.6); undefined when it is not whole. */
function fieldsOf(blob: string): Uint8Array[] | undefined {
  const whole = blob.length % 4 === 0 && blob.length <= maxBlobLength
  if (!whole || !/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return undefined
  const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return undefined
    const end = at + 4 + view.getUint32(at)
    if (end > bytes.length) return undefined
    fields.push(bytes.subarray(at + 4, end))
    at = end
  }
  return fields
}

function bitsOf(number: Uint8Array): number {
  const first = number.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24
}

/** Reads one line of an `.pub` file. Throws AppError `invalid` with what is needed. */
export function parsePublicKey(line: string): AccountKey {
  const refusal = (what: string) =>
    new AppError(
      'invalid',
      `Cannot read the public key: ${what}, a line such as "ssh-ed25519 AAAA… comment" is needed, as in an id_ed25519.pub file`,
    )
  if (/PRIVATE KEY/.test(line)) throw refusal('it is a private key, which nobody else may see')
  const [algorithm = '', blob = '', ...comment] = line.trim().split(/\s+/)
  const known = keyAlgorithms.find((name) => name === algorithm)
  if (known === undefined) {
    throw refusal(`its kind is none of ${keyAlgorithms.join(', ')}`)
  }
  const fields = fieldsOf(blob)
  if (fields?.[0] === undefined || new TextDecoder().decode(fields[0]) !== known) {
    throw refusal('it is not whole')
  }
  const bits = known === 'ssh-rsa' ? bitsOf(fields[2] ?? new Uint8Array(0)) : leastRsaBits
  if (bits < leastRsaBits) throw refusal(`its RSA key has ${bits} bits of at least ${leastRsaBits}`)
  return { algorithm: known, blob, comment: comment.join(' ').slice(0, maxCommentLength) }
}

/** The key as a line again. */
export function publicKeyLine({ algorithm, blob, comment }: AccountKey): string {
  return `${algorithm} ${blob} ${comment}`.trim()
}
