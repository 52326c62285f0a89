import { fileLimits } from '../domain/format.ts'
import { sieveModule } from './sieve-module.ts'

/** Fingerprints of the keys of a record; 0: it has none. */
export interface KeyHashes {
  uuid: number
  email: number
  username: number
}

/** A record that is not known, or was met before, as the sieve wrote it down. */
export interface Unsifted {
  /** In the room. */
  start: number
  end: number
  line: number
  hash: number
  /** A user, or beyond the last of them a record that failed; 0: not known. */
  who: number
  quoted: boolean
  /** All of it is printable ASCII. */
  plain: boolean
  /** At least one, and no more than these; null: the record must be read for them. */
  keys: KeyHashes | null
  /** Where `cellEnds` has its first cell; -1: it is not split. */
  firstCell: number
}

/** Where the keys of a record are, -1 for none. */
export interface KeyColumns {
  uuid: number
  email: number
  username: number
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
  /** Nothing is known, of users or of failed records. */
  readonly isEmpty: boolean
  /** Fingerprints of the users from `first` on, 0 for none; before the first `find` or `sift`. */
  know(first: number, known: Float64Array): void
  /** A number of 53 bits, never 0, of bytes in the room. */
  fingerprint(start: number, end: number): number
  /** The same of a key: `u:` and a UUID, `e:` and an email, `n:` and a username as they are compared. */
  keyHash(key: string): number
  /**
   * From here on `sift` reads the keys of records where that is plain to do, and splits others; where nothing is known
   * it gives no fingerprints.
   */
  readKeys(columns: KeyColumns, delimiter: string): void
  /** From here on `sift` splits every record whose quotes are neither doubled nor stray, and reads no keys. */
  splitCells(delimiter: string): void
  /** Ends of the cells of the records that are written down, in the room: see `cellEnd`. */
  readonly cellEnds: Uint32Array
  /** Who has this fingerprint: a user, or beyond the last of them a failed record; 0: nobody. */
  find(hash: number): number
  /**
   * Goes through the room from `start` to `limit`, passes over known records of users, marks these as present, and
   * writes the others down. Ends before what it cannot read: then `records.next` must.
   */
  sift(start: number, limit: number, line: number): Sifted
  /** One of those that are written down; the same object each time. */
  unsifted(index: number): Unsifted
}

// Large enough that a read costs nothing beside its records, small enough to stay in the processor's cache.
export const chunkBytes = 512 * 1024
/** The sieve looks at 16 bytes at a time: so many behind a piece may be read. */
export const slackBytes = 64
/** A piece of the file, and the start of a record before it. */
export const roomBytes = chunkBytes + fileLimits.maxRecordBytes + slackBytes

// As many cells as a piece of rows of 8 bytes a cell has; of more the rest is split elsewhere.
const cellsAtOnce = 65_536
const isOddCell = 2 ** 31
const isQuotedCell = 2 ** 30
const pageBytes = 65_536
const writtenBytes = 64
const writtenAtOnce = 2048
// An email has 254 at most, a username less: two keys may look alike that differ only beyond this.
const keyBytes = 512
// The first bytes stay free: an address is never 0.
const roomAt = 64

/** Where a cell ends in the room, behind its quotes if it has some; and whether all of it is printable ASCII. */
export const cellEnd = (entry: number): number => (entry & (isQuotedCell - 1)) - roomAt
export const quotesOf = (entry: number): 0 | 1 => ((entry & isQuotedCell) === 0 ? 0 : 1)
export const isPlainCell = (entry: number): boolean => entry < isOddCell

interface Kernel {
  memory: WebAssembly.Memory
  fingerprint(from: number, to: number): number
  find(hash: number): number
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
  | 'last'
  | 'delimiter'
  | 'cellDelimiter'
  | 'fingerprints'
  | 'ends'
  | 'endsEnd'
  | 'uuidAt'
  | 'emailAt'
  | 'usernameAt'
  | 'key'
  | 'longestKey'
  | 'at'
  | 'line'
  | 'user'
  | 'failed'
  | 'passed'

const compiled = new WebAssembly.Module(Buffer.from(sieveModule, 'base64'))

export interface SieveOptions {
  lastUserId: number
  seed: number
  /** Fingerprints of records that failed: found as the numbers beyond the last user, in this order. */
  failed?: readonly number[]
}

/** Makes a sieve for users up to `lastUserId`, and failed records: 16 bytes each. */
export function createSieve({ lastUserId, seed, failed = [] }: SieveOptions): Sieve {
  const { exports } = new WebAssembly.Instance(compiled)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sieve.wat exports these
  const kernel = exports as unknown as Kernel & Record<Variable, WebAssembly.Global<'i32'>>
  const { memory } = kernel
  const last = lastUserId + failed.length
  const slots = 2 ** Math.max(4, Math.ceil(Math.log2(last * 1.6 + 1)))
  const aligned = (at: number): number => Math.ceil(at / 16) * 16
  const out = aligned(roomAt + roomBytes)
  const outEnd = out + writtenAtOnce * writtenBytes
  const keyAt = outEnd
  const endsAt = aligned(keyAt + keyBytes + slackBytes)
  const endsEnd = endsAt + cellsAtOnce * 4
  const hashesAt = aligned(endsEnd)
  const slotsAt = aligned(hashesAt + (last + 1) * 8)
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
    last,
    failed: lastUserId,
    ends: endsAt,
    endsEnd,
    key: keyAt,
    longestKey: keyBytes,
  } satisfies Partial<Record<Variable, number>>).forEach(([name, value]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of the object above
    kernel[name as Variable].value = value
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sieve.wat exports it
  const seedOf = exports['seed'] as WebAssembly.Global<'i64'>
  seedOf.value = BigInt(seed)

  const hashes = new Float64Array(memory.buffer, hashesAt, last + 1)
  hashes.set(failed, lastUserId + 1)
  const written = new Uint32Array(memory.buffer, out, (writtenAtOnce * writtenBytes) / 4)
  const writtenHashes = new Float64Array(memory.buffer, out, (writtenAtOnce * writtenBytes) / 8)
  const found: Unsifted = {
    start: 0,
    end: 0,
    line: 0,
    hash: 0,
    who: 0,
    quoted: false,
    plain: false,
    keys: null,
    firstCell: -1,
  }
  const keys: KeyHashes = { uuid: 0, email: 0, username: 0 }
  const keyRoom = new Uint8Array(memory.buffer, keyAt, keyBytes)
  const encoder = new TextEncoder()
  const sifted: Sifted = { at: 0, line: 0, passed: 0, count: 0 }

  return {
    room: Buffer.from(memory.buffer, roomAt, roomBytes),
    present: new Uint8Array(memory.buffer, presentAt, presentBytes),
    lastUserId,
    isEmpty: last === 0,
    know(first, known) {
      if (first <= lastUserId) hashes.set(known.subarray(0, lastUserId + 1 - first), first)
    },
    fingerprint: (start, end) => kernel.fingerprint(start + roomAt, end + roomAt),
    keyHash(key) {
      // As the kernel writes it: a letter for the kind, and the key.
      const { written: bytes } = encoder.encodeInto(key.charAt(0) + key.slice(2), keyRoom)
      return kernel.fingerprint(keyAt, keyAt + bytes)
    },
    readKeys({ uuid, email, username }, delimiter) {
      kernel.uuidAt.value = uuid
      kernel.emailAt.value = email
      kernel.usernameAt.value = username
      kernel.delimiter.value = delimiter.charCodeAt(0)
      kernel.cellDelimiter.value = delimiter.charCodeAt(0)
      kernel.fingerprints.value = last > 0 ? 1 : 0
    },
    splitCells(delimiter) {
      kernel.fingerprints.value = 1
      kernel.delimiter.value = 0
      kernel.cellDelimiter.value = delimiter.charCodeAt(0)
    },
    cellEnds: new Uint32Array(memory.buffer, endsAt, cellsAtOnce),
    find: (hash) => kernel.find(hash),
    sift(start, limit, line) {
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
      found.who = written[at + 3] ?? 0
      found.hash = writtenHashes[at / 2 + 2] ?? 0
      found.quoted = (written[at + 6] ?? 0) > 0
      found.plain = written[at + 7] === 0
      const ends = written[at + 15] ?? 0
      found.firstCell = ends === 0 ? -1 : (ends - endsAt) / 4
      found.keys = null
      if (written[at + 14] === 1) {
        keys.uuid = writtenHashes[at / 2 + 4] ?? 0
        keys.email = writtenHashes[at / 2 + 5] ?? 0
        keys.username = writtenHashes[at / 2 + 6] ?? 0
        found.keys = keys
      }
      return found
    },
  }
}
