/** Fingerprints and the users they stand for: open addressing in flat arrays, 12 bytes an entry. */
export interface Known {
  readonly size: number
  add(hash: number, userId: number): void
  /** The user; 0 when there is none. */
  get(hash: number): number
}

const two32 = 0x1_0000_0000

/** An empty table for about `expected` entries; it grows when there are more. */
export function createKnown(expected = 1024): Known {
  let bits = Math.max(10, Math.ceil(Math.log2(expected * 1.6 + 1)))
  let mask = 2 ** bits - 1
  let low = new Uint32Array(mask + 1)
  let high = new Uint32Array(mask + 1)
  let ids = new Uint32Array(mask + 1)
  let size = 0

  function put(lowPart: number, highPart: number, id: number): void {
    let slot = (lowPart ^ Math.imul(highPart, 0x9e3779b1)) & mask
    while (ids[slot] !== 0) {
      if (low[slot] === lowPart && high[slot] === highPart) {
        return
      }
      slot = (slot + 1) & mask
    }
    low[slot] = lowPart
    high[slot] = highPart
    ids[slot] = id
    size += 1
  }

  function grow(): void {
    const [oldLow, oldHigh, oldIds] = [low, high, ids]
    bits += 1
    mask = 2 ** bits - 1
    low = new Uint32Array(mask + 1)
    high = new Uint32Array(mask + 1)
    ids = new Uint32Array(mask + 1)
    size = 0
    for (let i = 0; i < oldIds.length; i += 1) {
      const id = oldIds[i] ?? 0
      if (id !== 0) put(oldLow[i] ?? 0, oldHigh[i] ?? 0, id)
    }
  }

  return {
    get size() {
      return size
    },
    add(hash, userId) {
      if (size > mask * 0.7) grow()
      put(hash % two32, Math.floor(hash / two32), userId)
    },
    get(hash) {
      const lowPart = hash % two32
      const highPart = Math.floor(hash / two32)
      let slot = (lowPart ^ Math.imul(highPart, 0x9e3779b1)) & mask
      for (;;) {
        const id = ids[slot] ?? 0
        if (id === 0) return 0
        if (low[slot] === lowPart && high[slot] === highPart) return id
        slot = (slot + 1) & mask
      }
    },
  }
}
