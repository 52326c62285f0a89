/** A Bloom filter: `has` may say yes by chance, never no of what was added. Of fixed size. */
export interface Filter {
  /** True when it may have been there before. */
  add(hash: number): boolean
  has(hash: number): boolean
}

const probes = 5
const two32 = 0x1_0000_0000

/** `bits` is a power of two. */
export function createFilter(bits: number): Filter {
  const mask = bits - 1
  const words = new Uint32Array(bits / 32)

  return {
    add(hash) {
      let at = hash % two32
      const step = Math.floor(hash / two32) * 2 + 1
      let all = true
      for (let i = 0; i < probes; i += 1) {
        const bit = (at & mask) >>> 0
        const word = bit >>> 5
        const flag = 1 << (bit & 31)
        const before = words[word] ?? 0
        if ((before & flag) === 0) {
          all = false
          words[word] = before | flag
        }
        at = (at + step) | 0
      }
      return all
    },
    has(hash) {
      let at = hash % two32
      const step = Math.floor(hash / two32) * 2 + 1
      for (let i = 0; i < probes; i += 1) {
        const bit = (at & mask) >>> 0
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
        at = (at + step) | 0
      }
      return true
    },
  }
}
