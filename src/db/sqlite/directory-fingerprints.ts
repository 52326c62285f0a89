import type { DatabaseSync } from 'node:sqlite'

// 64 KiB: small enough to be changed for one user, large enough to be read in a few calls.
const chunkUsers = 8192

function floats(bytes: unknown): Float64Array<ArrayBuffer> {
  const entries = new Float64Array(chunkUsers)
  if (bytes instanceof Uint8Array) new Uint8Array(entries.buffer).set(bytes)
  return entries
}

/** The fingerprints of a directory; what is set is written by `flush`, in the transaction of the users. */
export function createFingerprints(db: DatabaseSync) {
  const read = db.prepare('SELECT entries FROM fingerprints WHERE chunk = ?')
  const write = db.prepare('INSERT OR REPLACE INTO fingerprints VALUES (?, ?)')
  const changed = new Map<number, Float64Array<ArrayBuffer>>()
  let lastChunk = -1
  let lastEntries = new Float64Array(0)
  let tried: [number, number][] | undefined

  function put(userId: number, hash: number): void {
    const chunk = Math.floor(userId / chunkUsers)
    if (chunk !== lastChunk) {
      lastEntries = changed.get(chunk) ?? floats(read.get(chunk)?.['entries'])
      changed.set(chunk, lastEntries)
      lastChunk = chunk
    }
    lastEntries[userId % chunkUsers] = hash
  }

  return {
    set(userId: number, hash: number): void {
      if (tried === undefined) put(userId, hash)
      else tried.push([userId, hash])
    },
    /** What is set in a trial counts only when the trial holds. */
    trial: {
      begin(): void {
        tried = []
      },
      end(holds: boolean): void {
        if (holds) for (const [userId, hash] of tried ?? []) put(userId, hash)
        tried = undefined
      },
    },
    flush(): void {
      for (const [chunk, entries] of changed) write.run(chunk, new Uint8Array(entries.buffer))
      changed.clear()
      lastChunk = -1
    },
    visit(each: (hash: number, userId: number) => void): void {
      const chunks = db.prepare('SELECT chunk FROM fingerprints ORDER BY chunk').all()
      for (const { chunk } of chunks) {
        const first = Number(chunk) * chunkUsers
        const entries = floats(read.get(Number(chunk))?.['entries'])
        for (let i = 0; i < chunkUsers; i += 1) {
          const hash = entries[i] ?? 0
          if (hash !== 0) each(hash, first + i)
        }
      }
    },
  }
}
