import type { RecordAtHand } from './records.ts'

/** A record that is met, and what is known of it. */
export interface Met {
  record: RecordAtHand
  /** Of the record's bytes. */
  hash: number
  /** The user who was last imported from this very record; 0: none. */
  userId: number
  /** Which of the records that failed before it is, from 1; 0: none. */
  failed: number
}

/** Records that are no known ones, so that later passes need not look at the others. */
export interface Places {
  /** After it was read: a record of several lines may have turned out to be one of its first alone. */
  add(met: Met): void
  /** False when there were too many to keep. */
  complete(): boolean
  readonly count: number
  position(index: number): number
  line(index: number): number
  /** The record itself; undefined where only its place could be kept. The same object each time. */
  record(index: number): KeptRecord | undefined
}

/** A record without its file. */
export interface KeptRecord extends RecordAtHand {
  hash: number
  userId: number
  failed: number
}

// 4 MB at most; a file with more changes than this is read as a whole again.
export const maxPlaces = 2 ** 18
// The bytes of forty thousand rows, as many as a nightly file of millions may have changed.
const maxKeptBytes = 2 ** 23

const [isQuoted, isTooLong, isUnterminated, isPlain] = [1, 2, 4, 8]

/** A list of records that gives up their bytes when it gets long, and itself when it gets longer than `most`. */
export function createPlaces(most: number): Places {
  let positions = new Float64Array(1024)
  let lines = new Uint32Array(1024)
  let count = 0
  // Of each kept record: where it ends among the bytes, its user, what is known of it, its hash.
  let ends = new Uint32Array(1024)
  let userIds = new Uint32Array(1024)
  let failures = new Uint32Array(1024)
  let flags = new Uint8Array(1024)
  let hashes = new Float64Array(1024)
  let bytes = Buffer.allocUnsafe(2 ** 16)
  let used = 0
  let keeps = true

  function grown<T extends Float64Array | Uint32Array | Uint8Array>(larger: T, old: T): T {
    larger.set(old)
    return larger
  }

  function growLists(): void {
    const length = count * 2
    positions = grown(new Float64Array(length), positions)
    lines = grown(new Uint32Array(length), lines)
    if (!keeps) return
    ends = grown(new Uint32Array(length), ends)
    userIds = grown(new Uint32Array(length), userIds)
    failures = grown(new Uint32Array(length), failures)
    flags = grown(new Uint8Array(length), flags)
    hashes = grown(new Float64Array(length), hashes)
  }

  function keep({ record, hash, userId, failed }: Met): void {
    const length = record.end - record.start
    if (used + length > maxKeptBytes) {
      keeps = false
      bytes = Buffer.alloc(0)
      return
    }
    if (used + length > bytes.length) {
      bytes = grown(Buffer.allocUnsafe(Math.max(used + length, bytes.length * 2)), bytes)
    }
    record.buffer.copy(bytes, used, record.start, record.end)
    used += length
    ends[count] = used
    userIds[count] = userId
    failures[count] = failed
    hashes[count] = hash
    flags[count] =
      (record.quoted ? isQuoted : 0) |
      (record.tooLong ? isTooLong : 0) |
      (record.terminated ? 0 : isUnterminated) |
      (record.plain ? isPlain : 0)
  }

  const kept: KeptRecord = {
    buffer: bytes,
    start: 0,
    end: 0,
    line: 0,
    quoted: false,
    several: false,
    unclosed: false,
    tooLong: false,
    terminated: true,
    hash: 0,
    userId: 0,
    failed: 0,
    keepFirstLine: () => undefined,
    plain: false,
    cells: () => undefined,
    text: () => bytes.toString('latin1', kept.start, kept.end),
    position: () => at,
  }
  let at = 0

  return {
    add(met) {
      if (count > most) return
      if (count === positions.length) growLists()
      positions[count] = met.record.position()
      lines[count] = met.record.line
      if (keeps) keep(met)
      count += 1
    },
    complete: () => count <= most,
    get count() {
      return count
    },
    position: (index) => positions[index] ?? 0,
    line: (index) => lines[index] ?? 0,
    record(index) {
      if (!keeps) return undefined
      const flag = flags[index] ?? 0
      at = positions[index] ?? 0
      kept.buffer = bytes
      kept.start = index === 0 ? 0 : (ends[index - 1] ?? 0)
      kept.end = ends[index] ?? 0
      kept.line = lines[index] ?? 0
      kept.quoted = (flag & isQuoted) !== 0
      kept.tooLong = (flag & isTooLong) !== 0
      kept.terminated = (flag & isUnterminated) === 0
      kept.plain = (flag & isPlain) !== 0
      kept.hash = hashes[index] ?? 0
      kept.userId = userIds[index] ?? 0
      kept.failed = failures[index] ?? 0
      return kept
    },
  }
}
