import { AppError } from '../src/domain/error.ts'
import type { FileReader } from '../src/domain/storage.ts'
import type { Bucket } from './s3-bucket.ts'
import type { Lease } from './s3-lease.ts'

/** One request reads so much; a file up to this size is read by the request that opens it. */
const blockBytes = 2 ** 20
/** Blocks kept for each reader: clients ask for many small pieces at once, and the next block is fetched ahead. */
const keptBlocks = 3

interface Place {
  key: string
  etag: string
  /** Readers of a hidden copy, which goes with the last of them. */
  readers: number
}

/** The files of a bucket that are open here: they stay readable when their name goes. */
export interface Readers {
  open(path: string): Promise<FileReader>
  /** Its object has another key now, by this process's own doing. */
  moved(from: string, to: string, etag: string): void
  /** Call it before the object at `path` goes: whoever has it open gets a hidden copy. */
  leaving(path: string): Promise<void>
}

/** Readers by ranged GETs of exactly the version that was opened. */
export function createReaders(bucket: Bucket, lease: Lease): Readers {
  const places = new Map<string, Place>()

  /** Where the version `etag` of `path` is, shared by all who read it. */
  function placeOf(key: string, etag: string): Place {
    const known = places.get(key)
    if (known?.etag === etag) return known
    const place = { key, etag, readers: 0 }
    places.set(key, place)
    return place
  }

  async function leave(place: Place): Promise<void> {
    place.readers -= 1
    if (place.readers > 0) return
    if (places.get(place.key) === place) places.delete(place.key)
    if (!lease.holds(place.key)) return
    lease.release(place.key)
    // What is left over is swept as a dead process's would be.
    await bucket.remove(place.key).catch(() => undefined)
  }

  return {
    async open(path) {
      const first = await bucket.get(path, { position: 0, length: blockBytes })
      const { size } = first
      const whole = first.bytes.length >= size
      const place = whole ? undefined : placeOf(path, first.etag)
      if (place !== undefined) place.readers += 1
      const blocks = new Map<number, Promise<Uint8Array>>([[0, Promise.resolve(first.bytes)]])
      let closed = false

      async function fetched(index: number): Promise<Uint8Array> {
        if (place === undefined) return first.bytes
        const { key, etag } = place
        const range = { position: index * blockBytes, length: blockBytes }
        return (await bucket.get(key, { ...range, etag })).bytes
      }

      function block(index: number): Promise<Uint8Array> {
        const known = blocks.get(index)
        if (known !== undefined) return known
        const coming = fetched(index)
        coming.catch(() => blocks.delete(index))
        blocks.set(index, coming)
        for (const old of blocks.keys()) if (blocks.size > keptBlocks) blocks.delete(old)
        return coming
      }

      return {
        size,
        async read(position, length) {
          const wanted = new Uint8Array(Math.max(0, Math.min(length, size - position)))
          for (let done = 0; done < wanted.length;) {
            const index = Math.floor((position + done) / blockBytes)
            const sequential = blocks.has(index - 1)
            const bytes = await block(index)
            if (sequential && (index + 1) * blockBytes < size && !closed) {
              void block(index + 1).catch(() => undefined)
            }
            const start = position + done - index * blockBytes
            const piece = bytes.subarray(start, start + wanted.length - done)
            if (piece.length === 0) {
              throw new AppError('unavailable', 'Cannot read a file: it is shorter than it was')
            }
            wanted.set(piece, done)
            done += piece.length
          }
          return wanted
        },
        async close() {
          if (closed) return
          closed = true
          blocks.clear()
          if (place !== undefined) await leave(place)
        },
      }
    },
    moved(from, to, etag) {
      const place = places.get(from)
      if (place === undefined) return
      places.delete(from)
      Object.assign(place, { key: to, etag })
      places.set(to, place)
    },
    async leaving(path) {
      const place = places.get(path)
      if (place === undefined) return
      const hidden = await lease.holdOpen()
      const etag = await bucket.copy(path, hidden)
      places.delete(path)
      Object.assign(place, { key: hidden, etag })
      places.set(hidden, place)
    },
  }
}
