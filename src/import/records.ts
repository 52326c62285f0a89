import { fileLimits } from '../domain/format.ts'
import type { FileReader } from '../domain/storage.ts'
import { cellEnd, chunkBytes, isPlainCell, quotesOf, roomBytes, slackBytes } from './sieve.ts'
import type { Sieve, Sifted, Unsifted } from './sieve.ts'

const { maxRecordBytes } = fileLimits

const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const nowhere = Number.MAX_SAFE_INTEGER
// As text: small enough to lie among V8's new objects, where memory is used again at once.
const partBytes = 64 * 1024
const nothing: Sifted = { at: 0, line: 0, passed: 0, count: 0 }

export interface RecordOptions {
  file: FileReader
  /** Where the first record begins, in bytes. */
  position: number
  /** Its physical line, from 1. */
  line: number
  /** Where the bytes are put: a piece of the file and the start of a record before it. */
  room?: Buffer
}

/** A record that was found: `buffer[start, end)`. */
export interface RecordAtHand {
  buffer: Buffer
  start: number
  end: number
  /** Physical line of the record. */
  line: number
  quoted: boolean
  /** Whether it has more than one physical line. */
  several: boolean
  /** A quote is open at its end: the record is its first line, and more may have been meant. */
  unclosed: boolean
  tooLong: boolean
  /** False for a last record without line end. */
  terminated: boolean
  keepFirstLine(): void
  /** It is known that all of it is printable ASCII: then its bytes need no decoding. */
  plain: boolean
  /** Of a plain record. */
  text(): string
  /** Its cells, where they are known; `decode` is for those that are not plain. */
  cells(decode: (buffer: Buffer, start: number, end: number) => string): string[] | undefined
  /** Byte of the file where it begins. */
  position(): number
}

/**
 * The records of a file, found by line ends and the parity of quotes alone; what is in them is not read.
 *
 * A stray quote makes one record of several lines: who finds it malformed calls `keepFirstLine`, and the next
 * record is the next physical line. Longer ones than the limit are cut off and marked `tooLong`.
 */
export interface Records extends RecordAtHand {
  /** False: call `fill`, and when that answers false too, there is no more. */
  next(): boolean
  fill(): Promise<boolean>
  /** Passes over known records of `sieve`; what it writes down is taken up by `take`. */
  sift(sieve: Sieve): Sifted
  take(found: Unsifted): void
  /** Goes on at a later record, without a look at what lies before it. */
  skipTo(position: number, line: number): void
  /** Byte of the file and physical line where the next record begins. */
  nextPosition(): number
  nextLine(): number
}

/** Splits a file into records without decoding it. */
export function createRecords({ file, position, line, room: given }: RecordOptions): Records {
  const room = given ?? Buffer.allocUnsafeSlow(Math.min(roomBytes, file.size + 2 * slackBytes))
  const used = room.length - slackBytes
  // Where pieces follow each other the next one is read while the records of this one are looked at.
  let spare: Uint8Array | undefined
  let ahead: { from: number; piece: Promise<Uint8Array> } | undefined
  let readTo = -1
  let base = position
  let at = 0
  let atLine = line
  let limit = 0
  let ended = false
  let skipping = false
  const feeds = search(lineFeed)
  const returns = search(carriageReturn)
  const quotesFound = search(quote)
  // The end of the line at hand: its last byte + 1, and where the next begins.
  let lineEnd = 0
  let lineNext = 0
  // A part of the piece as text, and where it begins and ends.
  let part = ''
  let partFrom = 0
  let partEnd = 0
  let firstCell = -1
  let cellEnds: Uint32Array = new Uint32Array(0)
  let firstEnd = 0
  let firstNext = 0

  function readAhead(from: number): void {
    if (from >= file.size) return
    spare ??= new Uint8Array(chunkBytes)
    const piece = file.read(from, spare.length, spare)
    // Who comes for it meets its failure; after the last record nobody does.
    piece.catch(() => undefined)
    ahead = { from, piece }
  }

  /** The piece that was read ahead, when it is this one; else it is waited for, because its memory is used again. */
  async function readBefore(from: number): Promise<Uint8Array | undefined> {
    if (ahead === undefined) return undefined
    const { from: begun, piece } = ahead
    ahead = undefined
    if (begun === from) return piece
    await piece.catch(() => undefined)
    return undefined
  }

  /** Finds the end of the line that begins at `from`; false when it is not in the buffer. */
  function findLine(from: number): boolean {
    const feed = feeds.next(records.buffer, from)
    const returned = returns.next(records.buffer, from)
    if (returned < feed) {
      if (returned + 1 === limit && !ended) return false
      lineEnd = returned
      lineNext = returned + 1 === feed ? feed + 1 : returned + 1
      return true
    }
    if (feed !== nowhere) {
      lineEnd = feed
      lineNext = feed + 1
      return true
    }
    lineEnd = limit
    lineNext = limit
    return ended
  }

  function countQuotes(from: number, to: number): number {
    let count = 0
    let found = quotesFound.next(records.buffer, from)
    while (found < to) {
      count += 1
      found = quotesFound.next(records.buffer, found + 1)
    }
    return count
  }

  function skipLine(): boolean {
    while (!findLine(at)) {
      at = limit
      return false
    }
    at = lineNext
    atLine += 1
    skipping = false
    return true
  }

  const records: Records = {
    buffer: room.subarray(0, 0),
    start: 0,
    end: 0,
    line,
    quoted: false,
    several: false,
    unclosed: false,
    tooLong: false,
    terminated: true,
    plain: false,
    next() {
      records.plain = false
      firstCell = -1
      if (skipping && !skipLine()) return false
      if (at >= limit) return false
      if (!findLine(at)) {
        if (limit - at <= maxRecordBytes) return false
        records.start = at
        records.end = at + maxRecordBytes
        records.line = atLine
        records.quoted = true
        records.several = false
        records.unclosed = false
        records.tooLong = true
        records.terminated = true
        skipping = true
        at = limit
        return true
      }
      records.start = at
      records.line = atLine
      records.several = false
      records.unclosed = false
      records.tooLong = lineEnd - at > maxRecordBytes
      firstEnd = lineEnd
      firstNext = lineNext
      let quotes = countQuotes(at, lineEnd)
      records.quoted = quotes > 0
      let lines = 1
      while ((quotes & 1) === 1) {
        const lineStart = lineNext
        if (lineStart >= limit || !findLine(lineStart)) {
          // The same limit wherever the file is begun to be read: what is missing makes it longer yet.
          return ended || limit - at > maxRecordBytes + 2 ? onlyFirst() : false
        }
        if (lineEnd - at > maxRecordBytes) return onlyFirst()
        quotes += countQuotes(lineStart, lineEnd)
        lines += 1
      }
      records.several = lines > 1
      records.end = lineEnd
      records.terminated = lineNext > lineEnd
      at = lineNext
      atLine += lines
      return true
    },
    async fill() {
      if (ended) return false
      const rest = limit - at
      partEnd = 0
      if (at > 0) room.copyWithin(0, at, limit)
      base += at
      at = 0
      limit = rest
      const free = room.subarray(rest, used)
      const from = base + rest
      const chunk = (await readBefore(from)) ?? (await file.read(from, free.length, free))
      if (chunk.length === 0) {
        ended = true
        records.buffer = room.subarray(0, limit)
        forget()
        return at < limit
      }
      if (chunk.buffer !== room.buffer) room.set(chunk, rest)
      limit += chunk.length
      if (from === readTo) readAhead(from + chunk.length)
      readTo = from + chunk.length
      records.buffer = room.subarray(0, limit)
      forget()
      return true
    },
    keepFirstLine() {
      onlyFirst()
    },
    sift(sieve) {
      if (skipping) return nothing
      const sifted = sieve.sift(at, limit, atLine)
      cellEnds = sieve.cellEnds
      at = sifted.at
      atLine = sifted.line
      return sifted
    },
    text() {
      readPart()
      return part.slice(records.start - partFrom, records.end - partFrom)
    },
    cells(decode) {
      if (firstCell < 0) return undefined
      readPart()
      // In names of its own: what others may change is looked up for each cell.
      const [text, ends, offset, last] = [part, cellEnds, partFrom, records.end]
      const cells: string[] = []
      let from = records.start
      if (records.plain && !records.quoted) {
        // Most of a file: without a look at what each cell has.
        for (let index = firstCell; ; index += 1) {
          const end = cellEnd(ends[index] ?? 0)
          cells.push(text.slice(from - offset, end - offset))
          if (end >= last) return cells
          from = end + 1
        }
      }
      for (let index = firstCell; ; index += 1) {
        const entry = ends[index] ?? 0
        const end = cellEnd(entry)
        const quotes = quotesOf(entry)
        cells.push(
          isPlainCell(entry)
            ? text.slice(from + quotes - offset, end - quotes - offset)
            : decode(records.buffer, from + quotes, end - quotes),
        )
        if (end >= last) return cells
        from = end + 1
      }
    },
    take({ start, end, line: foundLine, quoted, plain, firstCell: first }) {
      firstCell = first
      records.start = start
      records.end = end
      records.line = foundLine
      records.quoted = quoted
      records.several = false
      records.unclosed = false
      records.tooLong = false
      records.terminated = true
      records.plain = plain
    },
    skipTo(to, toLine) {
      if (to - base <= limit) at = to - base
      else {
        base = to
        at = 0
        limit = 0
        records.buffer = records.buffer.subarray(0, 0)
        forget()
      }
      atLine = toLine
    },
    position: () => base + records.start,
    nextPosition: () => base + at,
    nextLine: () => atLine,
  }

  /** One text for many records: each is then a part of it, without bytes of its own. */
  function readPart(): void {
    if (records.start >= partFrom && records.end <= partEnd) return
    partFrom = records.start
    partEnd = Math.max(records.end, Math.min(limit, partFrom + partBytes))
    part = records.buffer.toString('latin1', partFrom, partEnd)
  }

  /** There are other bytes in the buffer. */
  function forget(): void {
    feeds.forget()
    returns.forget()
    quotesFound.forget()
  }

  function onlyFirst(): boolean {
    records.end = firstEnd
    records.several = false
    records.unclosed = true
    records.terminated = firstNext > firstEnd
    at = firstNext
    atLine = records.line + 1
    return true
  }

  return records
}

/**
 * Where a byte comes next, looked for once however often it is asked: a file of stray quotes goes back to the second
 * line of each record, and one with CR alone has no LF in any piece.
 */
function search(byte: number) {
  let from = nowhere
  let at = nowhere
  return {
    next(buffer: Buffer, start: number): number {
      if (start >= from && start <= at) return at
      const found = buffer.indexOf(byte, start)
      from = start
      at = found < 0 ? nowhere : found
      return at
    },
    forget(): void {
      from = nowhere
    },
  }
}
