import { cleaned } from './cell.ts'
import { sepLine } from './dialect.ts'
import { reportPrefix } from './format.ts'
import { escapeFormula, mayBeFormula, unescapeFormula } from './formula.ts'
import type { HeaderMatch } from './header.ts'
import type { RowFailure, RowReason } from './importer.ts'
import { isUnsplit } from './reason.ts'

const lineEnd = '\r\n'
const byteOrderMark = '\ufeff'

/** Writes a failure report as text, to be encoded as UTF-8 (spec/file-format.md section 6). */
export interface Report {
  /** Byte order mark and header line. */
  readonly head: () => string
  /** One failed row; rows go in file order. */
  readonly row: (failure: RowFailure) => string
}

export interface ReportOptions {
  /** The client's own columns as `ownHeaders` gives them. */
  headers: readonly string[]
  /** The delimiter of the upload. */
  delimiter: string
  /** Whether some failed row could not be split: then the last column is `import_error_raw`. */
  withRaw: boolean
}

/** A writer of a failure report. */
export function createReport({ headers, delimiter, withRaw }: ReportOptions): Report {
  const quoted = (cell: string): string => `"${escapeFormula(cell).replaceAll('"', '""')}"`
  const line = (cells: readonly string[]): string => cells.map(quoted).join(delimiter) + lineEnd
  const between = `"${delimiter}"`
  /** The same, when one look at all of them tells that none needs care. */
  const quotedAll = (cells: readonly string[]): string =>
    needsCare(cells) ? cells.map(quoted).join(delimiter) : `"${cells.join(between)}"`
  const added = ['line', 'codes', 'fields', 'reason'].map((name) => reportPrefix + name)
  const raw = withRaw ? [`${reportPrefix}raw`] : []
  return {
    head: () => byteOrderMark + sepLine(delimiter) + line([...added, ...headers, ...raw]),
    row({ line: number, reasons, cells, raw: record }) {
      const own = cells.length === headers.length ? cells : headers.map((_, at) => cells[at] ?? '')
      const fields = new Set(reasons.flatMap(({ field }) => field ?? []))
      const parts = [
        `"${number}"`,
        `"${reasons.map(({ code }) => code).join(';')}"`,
        quoted([...fields].join(';')),
        quoted(reasonText(reasons)),
      ]
      if (own.length > 0) parts.push(quotedAll(own))
      if (withRaw) parts.push(quoted(record ?? ''))
      return parts.join(delimiter) + lineEnd
    },
  }
}

/** False when none of the cells holds a quote or may be run as a formula. */
function needsCare(cells: readonly string[]): boolean {
  return cells.some((cell) => mayBeFormula(cell) || cell.includes('"'))
}

/** All sentences of a row as one text: one sentence a reason, each closed by a full stop. */
function reasonText(reasons: readonly RowReason[]): string {
  return reasons.map(({ sentence }) => `${sentence}.`).join(' ')
}

/** The client's own headers, in its order and spelling, without those of an earlier report. */
export function ownHeaders({ own, names }: HeaderMatch): string[] {
  return own.map((index) => names[index] ?? '')
}

/** The cells of a row for its failure: the client's own, as it wrote them, passwords blank. */
export function ownCells(
  { own, passwords, isReport }: HeaderMatch,
  cells: readonly string[],
): string[] {
  return own.map((index) => {
    if (passwords.includes(index)) return ''
    const cell = cells[index] ?? ''
    return isReport ? unescapeFormula(cell) : cell
  })
}

/** Shown for a record that may hold a password. */
const hiddenRecord = '(not shown: the file has a password column)'

/** A record that could not be split as it may be shown; it cannot be told where a password in it ends. */
function shownRecord({ hasPassword }: HeaderMatch, record: string): string {
  return hasPassword ? hiddenRecord : record
}

/**
 * The failure of a row, as it is kept, shown and written to the report.
 *
 * `record` is the text of the record as the file has it; it is kept for a row that could not be split, whose
 * cells are then left out: put into columns they are not of, they would be imported the next time.
 */
export function rowFailure(
  header: HeaderMatch,
  row: { line: number; cells: readonly string[]; record: string; reasons: readonly RowReason[] },
): RowFailure {
  const unsplit = row.reasons.some(({ code }) => isUnsplit(code))
  const { line } = row
  const reasons = [...row.reasons]
  if (!unsplit) return { line, reasons, cells: ownCells(header, row.cells), raw: null }
  const earlier = header.rawColumn === -1 ? '' : (row.cells[header.rawColumn] ?? '')
  const again = row.cells.length >= header.names.length && cleaned(earlier) !== ''
  return {
    line,
    reasons,
    cells: header.own.map(() => ''),
    raw: again ? unescapeFormula(earlier) : shownRecord(header, row.record),
  }
}
