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

/** Tells keys that may have been there before, by their hashes: of few keys almost surely, of many as a filter does. */
export interface Seen {
  /** True when it may have been there before. */
  add(hash: number): boolean
}

// 256 KiB, for the changed rows of a night; half of it stays empty, so that most keys are told by two looks.
const firstSlots = 2 ** 16
const firstShare = 0.5
// 16 MiB for the keys of a million rows, and as much again for all beyond them.
const mostSlots = 2 ** 22
const fullShare = 0.85
const overflowBits = 2 ** 27
// So many are too many for the table by far: the filter takes all of them, and both are never in memory.
const filteredKeys = 2 ** 24

/**
 * For about `keys` keys: a table of 31 bits of each, of which a look touches one line of the cache and not five;
 * beyond three and a half million a filter, in which one of two hundred is taken for another. Of very many keys the
 * filter alone: of fifteen million one of seventy is taken for another. `few`: where there may be far less, a small
 * table comes before it, and to touch 16 MiB for the first time takes longer than all looks at that.
 */
export function createSeen(keys: number, few = false): Seen {
  if (keys > filteredKeys) return createFilter(overflowBits)
  const slots = Math.min(mostSlots, 2 ** Math.max(10, Math.ceil(Math.log2(keys / fullShare + 1))))
  const overflow = (): Seen => createFilter(overflowBits)
  if (!few || slots <= firstSlots) return createTable(slots, fullShare, overflow)
  return createTable(firstSlots, firstShare, () => createTable(slots, fullShare, overflow))
}

/** A table of which `share` may be full; what comes then goes into another. */
function createTable(slots: number, share: number, next: () => Seen): Seen {
  const tags = new Uint32Array(slots)
  const mask = slots - 1
  const most = Math.floor(slots * share)
  let size = 0
  let others: Seen | undefined

  return {
    add(hash) {
      const low = hash % two32
      const tag = ((low >>> 22) | (Math.floor(hash / two32) << 10) | 0x8000_0000) >>> 0
      let slot = low & mask
      for (;;) {
        const found = tags[slot] ?? 0
        if (found === tag) return true
        if (found === 0) break
        slot = (slot + 1) & mask
      }
      if (size >= most) {
        others ??= next()
        return others.add(hash)
      }
      tags[slot] = tag
      size += 1
      return false
    },
  }
}
