const [multiplyA, multiplyB] = [0xcc9e2d51, 0x1b873593]
const [multiplyC, multiplyD] = [0x85ebca6b, 0xc2b2ae35]

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, multiplyC)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, multiplyD)
  return mixed ^ (mixed >>> 16)
}

/**
 * A 53-bit fingerprint of `bytes[start, end)`, never 0.
 *
 * Two lanes of MurmurHash3's mixing with different seeds and multipliers. `view` is over all of `bytes`.
 */
export function fingerprint(view: DataView, start: number, end: number, seed: number): number {
  let a = seed | 0
  let b = ~seed
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true)
    a ^= Math.imul(word, multiplyA)
    a = Math.imul((a << 13) | (a >>> 19), 5) + 0x64625
    b ^= Math.imul(word ^ 0x5bd1e995, multiplyB)
    b = Math.imul((b << 15) | (b >>> 17), 9) + 0x27d4eb2f
  }
  let tail = end - start
  for (; at < end; at += 1) tail = Math.imul(tail, 257) + view.getUint8(at) + 1
  a = finish(a ^ Math.imul(tail, multiplyA) ^ (end - start))
  b = finish(b ^ Math.imul(tail, multiplyB) ^ a)
  const value = (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0)
  return value === 0 ? 1 : value
}

/** The fingerprint of a text: for keys, and for what all records of a file are read by. */
export function textFingerprint(text: string, seed = 0): number {
  let a = seed ^ text.length
  let b = ~a
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ Math.imul(code, multiplyA), 0x9e3779b1)
    b = Math.imul(b ^ Math.imul(code, multiplyB), 0x85ebca77)
    a = (a << 11) | (a >>> 21)
    b = (b << 17) | (b >>> 15)
  }
  a = finish(a)
  b = finish(b ^ a)
  const value = (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0)
  return value === 0 ? 1 : value
}
