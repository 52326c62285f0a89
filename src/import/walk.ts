import { isBlankRecord } from '../domain/cell.ts'
import { fileLimits } from '../domain/format.ts'
import type { HeaderMatch } from '../domain/header.ts'
import { splitQuoted } from './cells.ts'
import type { SplitFault } from './cells.ts'
import { fingerprint } from './fingerprint.ts'
import type { Known } from './known.ts'
import { createRecords } from './records.ts'
import type { Records } from './records.ts'
import type { Source } from './source.ts'

/** Places of records that are no known ones, so that later passes need not look at the others. */
export interface Places {
  add(position: number, line: number): void
  /** False when there were too many to keep. */
  complete(): boolean
  readonly count: number
  position(index: number): number
  line(index: number): number
}

// 4 MB at most; a file with more changes than this is read as a whole again.
const maxPlaces = 2 ** 18

/** A list of places that gives up when it gets long. */
export function createPlaces(): Places {
  let positions = new Float64Array(1024)
  let lines = new Uint32Array(1024)
  let count = 0

  return {
    add(position, line) {
      if (count > maxPlaces) return
      if (count === positions.length) {
        const [oldPositions, oldLines] = [positions, lines]
        positions = new Float64Array(count * 2)
        lines = new Uint32Array(count * 2)
        positions.set(oldPositions)
        lines.set(oldLines)
      }
      positions[count] = position
      lines[count] = line
      count += 1
    },
    complete: () => count <= maxPlaces,
    get count() {
      return count
    },
    position: (index) => positions[index] ?? 0,
    line: (index) => lines[index] ?? 0,
  }
}

/** A record as a visitor sees it. */
export interface Visited {
  records: Records
  /** Of the record's bytes; 0 when it cannot be a known one. */
  hash: number
  /** The user who was last imported from this very record; 0: none. */
  userId: number
}

export interface WalkOptions {
  source: Source
  known: Known
  seed: number
  position: number
  line: number
  /** Only these records. */
  places?: Places
  /** Before each reading of the file; what it returns true for ends the walk. */
  pause?: (position: number, line: number) => boolean | Promise<boolean>
  visit: (visited: Visited) => void | Promise<void>
}

/** Visits the records of a file in order; true when it came to the end. */
export async function walk(options: WalkOptions): Promise<boolean> {
  const { source, known, seed, places, pause, visit } = options
  const records = createRecords({
    file: source.file,
    position: options.position,
    line: options.line,
    maxRecordBytes: fileLimits.maxRecordBytes,
  })
  const visited: Visited = { records, hash: 0, userId: 0 }
  const lookUp = known.size > 0
  let view: DataView = new DataView(new ArrayBuffer(0))
  let viewed: Buffer | undefined
  let index = 0
  for (;;) {
    if (places !== undefined) {
      while (index < places.count && places.position(index) < options.position) index += 1
      if (index >= places.count) return true
      records.skipTo(places.position(index), places.line(index))
    }
    while (!records.next()) {
      if (pause !== undefined && (await pause(records.nextPosition(), records.nextLine())))
        return false
      if (!(await records.fill())) return true
    }
    index += 1
    const { buffer } = records
    if (viewed !== buffer) {
      viewed = buffer
      view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    }
    visited.hash = fingerprint(view, records.start, records.end, seed)
    visited.userId = lookUp ? known.get(visited.hash) : 0
    const wait = visit(visited)
    if (wait !== undefined) await wait
  }
}

/** A record as text, and as cells where it can be split. */
export interface ReadRecord {
  record: string
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
export function readRecord(records: Records, source: Source): ReadRecord {
  const { delimiter, header } = source
  let record = source.decode(records.buffer, records.start, records.end)
  if (records.tooLong) return { record, cells: [], fault: { kind: 'too long', column: 0 } }
  if (!records.quoted) return { record, cells: record.split(delimiter), fault: null }
  let cells = splitQuoted(record, delimiter)
  if (records.several && (!Array.isArray(cells) || !fits(cells, header))) {
    records.keepFirstLine()
    record = source.decode(records.buffer, records.start, records.end)
    cells = splitQuoted(record, delimiter)
  }
  return Array.isArray(cells) ? { record, cells, fault: null } : { record, cells: [], fault: cells }
}

function fits(cells: readonly string[], { names }: HeaderMatch): boolean {
  return cells.length >= names.length && isBlankRecord(cells.slice(names.length))
}
