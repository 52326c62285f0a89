import type { Postgres } from './connect.ts'

// 64 KiB: small enough to be changed for one user, large enough to be read in a few calls.
const chunkUsers = 8192
const chunksAtOnce = 32
// Of 2,000,000 users, 16 MiB: of more they are read again to be changed.
const chunksKept = 256

function floats(base64: unknown): Float64Array<ArrayBuffer> {
  const entries = new Float64Array(chunkUsers)
  Buffer.from(entries.buffer).write(String(base64), 'base64')
  return entries
}

/** The fingerprints of a directory; what is set is written by `flush`, in the transaction of the users. */
export function createFingerprints(sql: Postgres, directory: number) {
  const set = new Map<number, number>()
  const kept = new Map<number, Float64Array<ArrayBuffer>>()
  let tried: [number, number][] | undefined

  async function read(chunks: readonly number[]): Promise<Map<number, Float64Array<ArrayBuffer>>> {
    if (chunks.length === 0) return new Map()
    // As base64: the hexadecimal digits of binary columns take both sides three times as long.
    const rows = await sql`SELECT chunk, encode(entries, 'base64') AS entries FROM fingerprints
      WHERE directory = ${directory} AND chunk = ANY(${[...chunks]}::int[])`
    return new Map(rows.map((row) => [Number(row['chunk']), floats(row['entries'])]))
  }

  /** Asks for all that will be kept, page by page; `rest`: what is to be asked for later. */
  async function askForKept() {
    const rows =
      await sql`SELECT chunk FROM fingerprints WHERE directory = ${directory} ORDER BY chunk`
    const chunks = rows.map(({ chunk }) => Number(chunk))
    const pages: ReturnType<typeof read>[] = []
    for (let at = 0; at < Math.min(chunks.length, chunksKept); at += chunksAtOnce) {
      const page = read(chunks.slice(at, at + chunksAtOnce))
      // Who visits meets its failure.
      page.catch(() => undefined)
      pages.push(page)
    }
    return { pages, rest: chunks.slice(chunksKept) }
  }

  let ahead: ReturnType<typeof askForKept> | undefined

  return {
    /** Begins to read what `visit` will want. */
    readAhead(): void {
      ahead = askForKept()
      ahead.catch(() => undefined)
    },
    /** Nothing that was asked for is on its way: during a COPY the session may not be asked. */
    async arrived(): Promise<void> {
      const asked = await ahead?.catch(() => undefined)
      await Promise.allSettled(asked?.pages ?? [])
    },
    set(userId: number, hash: number): void {
      if (tried === undefined) set.set(userId, hash)
      else tried.push([userId, hash])
    },
    /** What is set in a trial counts only when the trial holds. */
    trial: {
      begin(): void {
        tried = []
      },
      end(holds: boolean): void {
        if (holds) for (const [userId, hash] of tried ?? []) set.set(userId, hash)
        tried = undefined
      },
    },
    async flush(): Promise<void> {
      const byChunk = Map.groupBy(set, ([userId]) => Math.floor(userId / chunkUsers))
      set.clear()
      const chunks = [...byChunk.keys()]
      for (let at = 0; at < chunks.length; at += chunksAtOnce) {
        const some = chunks.slice(at, at + chunksAtOnce)
        const stored = await read(some.filter((chunk) => !kept.has(chunk)))
        // Sent without waiting for one another.
        await Promise.all(
          some.map((chunk) => {
            const entries = kept.get(chunk) ?? stored.get(chunk) ?? new Float64Array(chunkUsers)
            for (const [userId, hash] of byChunk.get(chunk) ?? [])
              entries[userId % chunkUsers] = hash
            return sql`INSERT INTO fingerprints VALUES (${directory}, ${chunk},
              decode(${Buffer.from(entries.buffer).toString('base64')}, 'base64'))
              ON CONFLICT (directory, chunk) DO UPDATE SET entries = excluded.entries`
          }),
        )
      }
    },
    forget(): void {
      set.clear()
    },
    async visit(each: (first: number, hashes: Float64Array) => void): Promise<void> {
      const { pages, rest } = await (ahead ?? askForKept())
      ahead = undefined
      for (const page of pages) {
        for (const [chunk, entries] of await page) {
          each(chunk * chunkUsers, entries)
          kept.set(chunk, entries)
        }
      }
      for (let at = 0; at < rest.length; at += chunksAtOnce) {
        const page = await read(rest.slice(at, at + chunksAtOnce))
        for (const [chunk, entries] of page) each(chunk * chunkUsers, entries)
      }
    },
  }
}
