import { fileLimits } from '../domain/format.ts'
import { sieveModule } from './sieve-module.ts'

/** A record that is not known, or was met before, as the sieve wrote it down. */
export interface Unsifted {
  /** In the room. */
  start: number
  end: number
  line: number
  hash: number
  userId: number
  quoted: boolean
  /** All of it is printable ASCII. */
  plain: boolean
}

/** How far a call of `sift` came. */
export interface Sifted {
  /** In the room: where the next record begins. */
  at: number
  line: number
  /** Records that were passed over. */
  passed: number
  /** How many are written down. */
  count: number
}

/**
 * The records that users were last imported from, and the memory through which a file goes to be compared with
 * them: 200 bytes of a known record cost 0.1 µs, three times less than by code for this engine
 * (docs/performance.md). What a record is, `records.ts` says; here only those are passed over that are one line.
 */
export interface Sieve {
  /** Where pieces of the file are put. */
  readonly room: Buffer
  /** One bit for each user that was met. */
  readonly present: Uint8Array
  /** Highest user that can be known; 0: nobody is. */
  readonly lastUserId: number
  /** A fingerprint that a user has; before the first `find` or `sift`. */
  know(hash: number, userId: number): void
  /** A number of 53 bits, never 0, of bytes in the room. */
  fingerprint(start: number, end: number): number
  /** The user with this fingerprint; 0: none. */
  find(hash: number): number
  /**
   * Goes through the room from `start` to `limit`, passes over known records, marks their users as present, and
   * writes the others down. Ends before what it cannot read: then `records.next` must.
   */
  sift(start: number, limit: number, line: number): Sifted
  /** One of those that are written down; the same object each time. */
  unsifted(index: number): Unsifted
}

// Large enough that a read costs nothing beside its records, small enough to stay in the processor's cache.
const chunkBytes = 512 * 1024
/** The sieve looks at 16 bytes at a time: so many behind a piece may be read. */
export const slackBytes = 64
/** A piece of the file, and the start of a record before it. */
export const roomBytes = chunkBytes + fileLimits.maxRecordBytes + slackBytes

const pageBytes = 65_536
const writtenBytes = 32
const writtenAtOnce = 4096
// The first bytes stay free: an address is never 0.
const roomAt = 64

interface Kernel {
  memory: WebAssembly.Memory
  fingerprint(from: number, to: number): number
  find(hash: number): number
  index(): void
  sift(limit: number, longest: number): number
}

/** Every exported variable of the module. */
type Variable =
  | 'out'
  | 'outEnd'
  | 'present'
  | 'hashes'
  | 'slots'
  | 'mask'
  | 'lastUser'
  | 'at'
  | 'line'
  | 'user'
  | 'passed'

const compiled = new WebAssembly.Module(Buffer.from(sieveModule, 'base64'))

/** Makes a sieve for users up to `lastUserId`: 16 bytes each. */
export function createSieve({ lastUserId, seed }: { lastUserId: number; seed: number }): Sieve {
  const { exports } = new WebAssembly.Instance(compiled)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sieve.wat exports these
  const kernel = exports as unknown as Kernel & Record<Variable, WebAssembly.Global<'i32'>>
  const { memory } = kernel
  const slots = 2 ** Math.max(4, Math.ceil(Math.log2(lastUserId * 1.6 + 1)))
  const aligned = (at: number): number => Math.ceil(at / 16) * 16
  const out = aligned(roomAt + roomBytes)
  const outEnd = out + writtenAtOnce * writtenBytes
  const hashesAt = outEnd
  const slotsAt = aligned(hashesAt + (lastUserId + 1) * 8)
  const presentAt = slotsAt + slots * 4
  const presentBytes = (lastUserId >> 3) + 1
  const allBytes = presentAt + presentBytes + slackBytes
  memory.grow(Math.ceil(allBytes / pageBytes) - memory.buffer.byteLength / pageBytes)
  Object.entries({
    out,
    outEnd,
    hashes: hashesAt,
    slots: slotsAt,
    mask: slots - 1,
    present: presentAt,
    lastUser: lastUserId,
  } satisfies Partial<Record<Variable, number>>).forEach(([name, value]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of the object above
    kernel[name as Variable].value = value
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sieve.wat exports it
  const seedOf = exports['seed'] as WebAssembly.Global<'i64'>
  seedOf.value = BigInt(seed)

  const hashes = new Float64Array(memory.buffer, hashesAt, lastUserId + 1)
  const written = new Uint32Array(memory.buffer, out, (writtenAtOnce * writtenBytes) / 4)
  const writtenHashes = new Float64Array(memory.buffer, out, (writtenAtOnce * writtenBytes) / 8)
  const found: Unsifted = {
    start: 0,
    end: 0,
    line: 0,
    hash: 0,
    userId: 0,
    quoted: false,
    plain: false,
  }
  const sifted: Sifted = { at: 0, line: 0, passed: 0, count: 0 }
  let indexed = false

  function index(): void {
    if (indexed) return
    indexed = true
    kernel.index()
  }

  return {
    room: Buffer.from(memory.buffer, roomAt, roomBytes),
    present: new Uint8Array(memory.buffer, presentAt, presentBytes),
    lastUserId,
    know(hash, userId) {
      if (userId <= lastUserId) hashes[userId] = hash
    },
    fingerprint: (start, end) => kernel.fingerprint(start + roomAt, end + roomAt),
    find(hash) {
      index()
      return kernel.find(hash)
    },
    sift(start, limit, line) {
      index()
      kernel.at.value = start + roomAt
      kernel.line.value = line
      kernel.passed.value = 0
      sifted.count = kernel.sift(limit + roomAt, fileLimits.maxRecordBytes)
      sifted.at = kernel.at.value - roomAt
      sifted.line = kernel.line.value
      sifted.passed = kernel.passed.value
      return sifted
    },
    unsifted(position) {
      const at = position * (writtenBytes / 4)
      found.start = (written[at] ?? 0) - roomAt
      found.end = (written[at + 1] ?? 0) - roomAt
      found.line = written[at + 2] ?? 0
      found.userId = written[at + 3] ?? 0
      found.hash = writtenHashes[at / 2 + 2] ?? 0
      found.quoted = (written[at + 6] ?? 0) > 0
      found.plain = written[at + 7] === 0
      return found
    },
  }
}
