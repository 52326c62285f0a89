import { isBlankRecord } from '../domain/cell.ts'
import type { HeaderMatch } from '../domain/header.ts'
import { fileLimits } from '../domain/format.ts'
import { splitQuoted } from './cells.ts'
import type { SplitFault } from './cells.ts'
import type { Met, Places } from './places.ts'
import { createRecords } from './records.ts'
import type { RecordAtHand } from './records.ts'
import type { KeyHashes, Sieve } from './sieve.ts'
import type { Source } from './source.ts'

const { maxFieldBytes } = fileLimits

/** A record as a visitor sees it. */
export interface Visited extends Met {
  /** Its keys, where they are known without reading it. */
  keys: KeyHashes | null
}

export interface WalkOptions {
  source: Source
  sieve: Sieve
  position: number
  line: number
  /** Only these records. */
  places?: Places
  /** Known records whose user was not met before are not visited: it is told how many, and they are met now. */
  passOver?: (count: number) => void
  /** Before each reading of the file; what it returns true for ends the walk. */
  pause?: (position: number, line: number) => boolean | Promise<boolean>
  visit: (visited: Visited) => void | Promise<void>
}

// As many records as a piece of the file has.
const keptAtOnce = 2048

/** Visits the records of a file in order; true when it came to the end. */
export async function walk(options: WalkOptions): Promise<boolean> {
  const { source, sieve, places, passOver, pause, visit } = options
  if (places !== undefined && (places.count === 0 || places.record(0) !== undefined)) {
    return walkKept(places, options)
  }
  const { position, line } = options
  const records = createRecords({ file: source.file, position, line, room: sieve.room })
  const visited: Visited = { record: records, hash: 0, userId: 0, failed: 0, keys: null }
  let index = 0

  function meet(hash: number, who: number, keys: KeyHashes | null): void | Promise<void> {
    const isUser = who <= sieve.lastUserId
    visited.hash = hash
    visited.userId = isUser ? who : 0
    visited.failed = isUser ? 0 : who - sieve.lastUserId
    visited.keys = keys
    return visit(visited)
  }

  for (;;) {
    if (places !== undefined) {
      while (index < places.count && places.position(index) < position) index += 1
      if (index >= places.count) return true
      records.skipTo(places.position(index), places.line(index))
      index += 1
    } else if (passOver !== undefined || sieve.isEmpty) {
      const { count, passed } = records.sift(sieve)
      if (passed > 0) passOver?.(passed)
      for (let i = 0; i < count; i += 1) {
        const found = sieve.unsifted(i)
        records.take(found)
        const wait = meet(found.hash, found.who, found.keys)
        if (wait !== undefined) await wait
      }
    }
    while (!records.next()) {
      if (pause !== undefined && (await pause(records.nextPosition(), records.nextLine())))
        return false
      if (!(await records.fill())) return true
    }
    const hash = sieve.fingerprint(records.start, records.end)
    const wait = meet(hash, sieve.find(hash), null)
    if (wait !== undefined) await wait
  }
}

/** Visits records that were kept, without their file. */
async function walkKept(places: Places, { position, pause, visit }: WalkOptions): Promise<boolean> {
  for (let index = 0; index < places.count; index += 1) {
    const record = places.record(index)
    if (record === undefined || places.position(index) < position) continue
    if (pause !== undefined && index % keptAtOnce === 0) {
      if (await pause(places.position(index), places.line(index))) return false
    }
    const { hash, userId, failed } = record
    const wait = visit({ record, hash, userId, failed, keys: null })
    if (wait !== undefined) await wait
  }
  return true
}

/** A record as cells, where it can be split. */
export interface ReadRecord {
  cells: string[]
  /** Why there are no cells; odd-record.ts puts it into words. */
  fault: SplitFault | null
}

/**
 * Decodes and splits the record at hand.
 *
 * One stray quote must cost one row: of a record of several lines that cannot be meant, only the first line is
 * taken, and the next record begins with the next line.
 */
export function readRecord(records: RecordAtHand, source: Source): ReadRecord {
  const read = splitRecord(records, source)
  // No field is longer than its record, so that hardly any is looked at.
  if (records.end - records.start <= maxFieldBytes) return read
  const column = read.cells.findIndex((cell) => Buffer.byteLength(cell) > maxFieldBytes)
  return column < 0 ? read : { cells: [], fault: { kind: 'field too long', column } }
}

function splitRecord(records: RecordAtHand, source: Source): ReadRecord {
  const { delimiter, header } = source
  if (records.tooLong) return { cells: [], fault: { kind: 'too long', column: 0 } }
  const known = records.cells(source.decode)
  if (known !== undefined) return { cells: known, fault: null }
  if (!records.quoted) {
    return { cells: recordText(records, source).split(delimiter), fault: null }
  }
  let cells = splitQuoted(recordText(records, source), delimiter)
  if (records.several && (!Array.isArray(cells) || !fits(cells, header))) {
    records.keepFirstLine()
    cells = splitQuoted(recordText(records, source), delimiter)
  }
  return Array.isArray(cells) ? { cells, fault: null } : { cells: [], fault: cells }
}

/** The same, but of a plain record of a file that goes on maybe only the first `width` cells. */
export function readKeys(found: RecordAtHand, source: Source, width: number): ReadRecord {
  if (found.quoted || found.tooLong || !found.terminated) return readRecord(found, source)
  const cells = recordText(found, source).split(source.delimiter, width)
  // An empty one may be a row all the same, by what stands farther on.
  return isBlankRecord(cells) ? readRecord(found, source) : { cells, fault: null }
}

function fits(cells: readonly string[], { names }: HeaderMatch): boolean {
  return cells.length >= names.length && isBlankRecord(cells.slice(names.length))
}

/** The record at hand as text; `readRecord` may make it shorter. */
export function recordText(found: RecordAtHand, source: Source): string {
  return found.plain ? found.text() : source.decode(found.buffer, found.start, found.end)
}
