const [multiplyC, multiplyD] = [0x85ebca6b, 0xc2b2ae35]

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, multiplyC)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, multiplyD)
  return mixed ^ (mixed >>> 16)
}

/** The fingerprint of a text: for keys, and for what all records of a file are read by. */
export function textFingerprint(text: string, seed = 0): number {
  let a = seed ^ text.length
  let b = ~a
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x9e3779b1)
    b = Math.imul(b ^ code, 0x85ebca77)
    a = (a << 11) | (a >>> 21)
    b = (b << 17) | (b >>> 15)
  }
  a = finish(a)
  b = finish(b ^ a)
  const value = (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0)
  return value === 0 ? 1 : value
}
