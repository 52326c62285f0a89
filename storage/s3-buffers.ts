/** A few buffers of one size that many uploads share: so much memory and no more, first come first served. */
export interface Buffers {
  /** Lends a buffer for the length of `work`, as soon as one is free. */
  lend<T>(work: (buffer: Uint8Array) => Promise<T>): Promise<T>
}

/** Makes at most `count` buffers of `bytes`, the first time that they are needed. */
export function createBuffers(count: number, bytes: number): Buffers {
  const free: Uint8Array[] = []
  const waiting: ((buffer: Uint8Array) => void)[] = []
  let made = 0

  async function take(): Promise<Uint8Array> {
    const buffer = free.pop()
    if (buffer !== undefined) return buffer
    if (made < count) {
      made += 1
      return new Uint8Array(bytes)
    }
    return new Promise((resolve) => waiting.push(resolve))
  }

  return {
    async lend(work) {
      const buffer = await take()
      try {
        return await work(buffer)
      } finally {
        const next = waiting.shift()
        if (next === undefined) free.push(buffer)
        else next(buffer)
      }
    },
  }
}
