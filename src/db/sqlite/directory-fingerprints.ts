import { DatabaseSync } from 'node:sqlite'
import { number } from '../row.ts'

// 64 KiB: small enough to be changed for one user, large enough to be read in a few calls.
const chunkUsers = 8192

function floats(bytes: unknown): Float64Array<ArrayBuffer> {
  const entries = new Float64Array(chunkUsers)
  if (bytes instanceof Uint8Array) new Uint8Array(entries.buffer).set(bytes)
  return entries
}

/**
 * What is set in a trial; it may be as many as the rows of a file, so that it lies on the disk: in a temporary table,
 * because Deno opens no database without a name.
 */
function openTrial() {
  const db = new DatabaseSync(':memory:')
  db.exec('CREATE TEMP TABLE tried (user INTEGER PRIMARY KEY, hash INTEGER); BEGIN')
  const insert = db.prepare('INSERT OR REPLACE INTO tried VALUES (?, ?)')
  const next = db.prepare('SELECT user, hash FROM tried WHERE user > ? ORDER BY user LIMIT 1000')
  return {
    set: (userId: number, hash: number): void => void insert.run(userId, hash),
    each(visit: (userId: number, hash: number) => void): void {
      for (let rows = next.all(-1); rows.length > 0;) {
        for (const row of rows) visit(number(row, 'user'), number(row, 'hash'))
        rows = next.all(number(rows.at(-1) ?? {}, 'user'))
      }
    },
    close: () => db.close(),
  }
}

/** The fingerprints of a directory; what is set is written by `flush`, in the transaction of the users. */
export function createFingerprints(db: DatabaseSync) {
  const read = db.prepare('SELECT entries FROM fingerprints WHERE chunk = ?')
  const write = db.prepare('INSERT OR REPLACE INTO fingerprints VALUES (?, ?)')
  const changed = new Map<number, Float64Array<ArrayBuffer>>()
  let lastChunk = -1
  let lastEntries = new Float64Array(0)
  let trial: ReturnType<typeof openTrial> | undefined

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
      if (trial === undefined) put(userId, hash)
      else trial.set(userId, hash)
    },
    /** What is set in a trial counts only when the trial holds. */
    trial: {
      begin(): void {
        trial = openTrial()
      },
      end(holds: boolean): void {
        if (holds) trial?.each(put)
        trial?.close()
        trial = undefined
      },
    },
    flush(): void {
      for (const [chunk, entries] of changed) write.run(chunk, new Uint8Array(entries.buffer))
      changed.clear()
      lastChunk = -1
    },
    visit(each: (first: number, hashes: Float64Array) => void): void {
      const chunks = db.prepare('SELECT chunk FROM fingerprints ORDER BY chunk').all()
      for (const { chunk } of chunks) {
        each(Number(chunk) * chunkUsers, floats(read.get(Number(chunk))?.['entries']))
      }
    },
  }
}
