import { CsvError, parse } from 'csv-parse/sync'
import { fileLimits } from '../domain/format.ts'
import type { HeaderMatch } from '../domain/header.ts'
import type { RowReason } from '../domain/importer.ts'
import { rowReason, shown } from '../domain/reason.ts'
import type { SplitFault } from './cells.ts'

const rules = { record_delimiter: ['\r\n', '\n', '\r'], relax_column_count: true }

/** What csv-parse calls it → what is wrong. */
const kinds: Readonly<Record<string, SplitFault['kind']>> = {
  CSV_QUOTE_NOT_CLOSED: 'open quote',
  INVALID_OPENING_QUOTE: 'quote inside',
  CSV_INVALID_CLOSING_QUOTE: 'text after quote',
}

/** One record as csv-parse splits it, or what it finds wrong with it. */
export function parseRecord(record: string, delimiter: string): string[] | SplitFault {
  try {
    const records: string[][] = parse(record, { ...rules, delimiter })
    return records[0] ?? ['']
  } catch (error) {
    const kind = error instanceof CsvError ? kinds[error.code] : undefined
    if (!(error instanceof CsvError) || kind === undefined) throw error
    return { kind, column: Number(error['column']) }
  }
}

type LongKind = 'too long' | 'field too long'

/** What is over which limit, and how to put it right. */
const longs: Readonly<Record<LongKind, { what: string; bytes: number; remedy: string }>> = {
  'too long': {
    what: 'row',
    bytes: fileLimits.maxRecordBytes,
    remedy: 'shorten the row, or close the quote that makes it one with the rows below it',
  },
  'field too long': {
    what: 'value',
    bytes: fileLimits.maxFieldBytes,
    remedy: 'shorten the value, or close the quote that makes others a part of it',
  },
}

/** True for what is over a limit: nobody need read it to say so. */
export function isTooLong(kind: SplitFault['kind']): kind is LongKind {
  return Object.hasOwn(longs, kind)
}

const sentences: Readonly<Record<Exclude<SplitFault['kind'], 'open quote' | LongKind>, string>> = {
  'quote inside': 'a quote stands inside a value that is not in quotes',
  'text after quote': 'text follows the quote that closes a value',
}

/** How the records of a file are split. */
interface Split {
  delimiter: string
  header: Pick<HeaderMatch, 'names'>
}

// It takes csv-parse a tenth of a millisecond: of a file of nothing but odd records, these are shown to it.
const mostJudged = 1000

/**
 * Says why records could not be split. csv-parse judges them; where they are very many, what our own splitter
 * found is said, which is the same (test/import/cells.test.ts).
 */
export function faultReader({ delimiter, header }: Split) {
  let judged = 0
  return (record: string, fault: SplitFault, line: number): RowReason => {
    judged += 1
    const asked = !isTooLong(fault.kind) && judged <= mostJudged
    const second = asked ? parseRecord(record, delimiter) : fault
    const { kind, column } = Array.isArray(second) ? fault : second
    // A row that is too long was not split.
    const name = kind === 'too long' ? '' : (header.names[column] ?? '')
    const field = name === '' ? null : name
    if (isTooLong(kind)) {
      const { what, bytes, remedy } = longs[kind]
      const size = `${bytes / 1024} KiB`
      return rowReason(9108, field, {
        what: `a ${what} of more than ${size}`,
        limit: `${size} in a ${what}`,
        remedy,
      })
    }
    if (kind === 'open quote') return rowReason(9106, field, { line })
    const where = name === '' ? '' : ` of ${shown(name)}`
    return rowReason(9003, field, {
      fault: sentences[kind].replace(' a value', ` a value${where}`),
    })
  }
}
