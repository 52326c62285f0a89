import { cleaned } from './cell.ts'
import { columns as format, fieldNames, fileLimits, reportPrefix } from './format.ts'
import type { FieldName } from './format.ts'
import { unescapeFormula } from './formula.ts'
import { fileNotice, shown, shownList } from './reason.ts'
import type { FileNotice } from './run.ts'

/** What a column of a file stands for; `deactivate`: the status, inverted; null: nothing. */
export type ColumnTarget = FieldName | 'deactivate' | null

export interface HeaderOptions {
  /** Header text as the client writes it → field; goes before the names of the format. */
  columnMap?: Readonly<Record<string, FieldName>>
  /** `fields` of the client's last file; empty when there was none. */
  previousFields?: readonly string[]
}

/** How the columns of one file are read. */
export interface HeaderMatch {
  /** Header cells as the client wrote them, trimmed, without the empty ones at the end. */
  names: string[]
  /** Aligned with `names`. */
  columns: ColumnTarget[]
  /** The fields that the file has, in the order of the file. */
  fields: FieldName[]
  /** Names of the columns that were not recognised, and are not ours. */
  ignored: string[]
  /** True for a failure report of ours that comes back. */
  isReport: boolean
  /** Positions of the client's own columns: all but those that a failure report adds. */
  own: number[]
  /** Position of `import_error_raw`, or -1. */
  rawColumn: number
  /** Position of `import_error_codes`, or -1. */
  codesColumn: number
  /** Positions of the columns that hold passwords, those among them that are not imported. */
  passwords: number[]
  /** True when there are any, so that a record may not be shown as it is. */
  hasPassword: boolean
  /** False where no name identifies users and half of them or more mean nothing: it may be a row, not a header. */
  columnsKnown: boolean
  /** Why the file cannot be imported; empty when it can. */
  reasons: FileNotice[]
  warnings: FileNotice[]
}

// Zero-width characters, the byte order mark and the soft hyphen: invisible in every editor.
const invisible = /[\u00ad\u180e\u200b-\u200d\u2060\ufeff]/g

/** A header without what does not tell names apart: `E-Mail ` and `email` give the same. */
export function plainHeader(header: string): string {
  return header
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
}

// A name in another script has no [a-z0-9] at all: a columnMap may still hold it.
function wholeHeader(header: string): string {
  return header.normalize('NFKC').replace(invisible, '').trim().toLowerCase()
}

/** Every name that the format takes, plain → what it stands for. */
export const knownHeaders: ReadonlyMap<string, FieldName | 'deactivate'> = new Map(
  fieldNames.flatMap((field): [string, FieldName | 'deactivate'][] => [
    ...[field, ...format[field].headers].map((name): [string, FieldName] => [
      plainHeader(name),
      field,
    ]),
    ...(format[field].invertedHeaders ?? []).map((name): [string, 'deactivate'] => [
      plainHeader(name),
      'deactivate',
    ]),
  ]),
)

/** Finds what a header stands for; made once for a client's columnMap. */
export function headerMatcher(
  columnMap: Readonly<Record<string, FieldName>> = {},
): (header: string) => ColumnTarget {
  const whole = new Map<string, FieldName>()
  const plain = new Map<string, FieldName>()
  for (const [name, field] of Object.entries(columnMap)) {
    whole.set(wholeHeader(name), field)
    if (plainHeader(name) !== '') plain.set(plainHeader(name), field)
  }
  whole.delete('')
  return (header) => {
    const key = plainHeader(header)
    return (
      whole.get(wholeHeader(header)) ??
      (key === '' ? undefined : (plain.get(key) ?? knownHeaders.get(key))) ??
      null
    )
  }
}

// The name of a column is repeated with each failure of its cells: none of a real system is longer.
const maxNameLength = 200

// Columns that tools for data exchange add to their own exports.
function addedByTools(whole: string): boolean {
  return whole === '_importerror' || whole.startsWith('sf__')
}

// Columns that nobody asked for, but which are not to be kept or shown in clear.
const passwordNames =
  /password|passwd|passphrase|passcode|pwd|passwort|kennwort|motdepasse|contrasen?a|wachtwoord/

/** Reads the header row of a file (spec/file-format.md section 2). */
export function matchHeader(
  cells: readonly string[],
  { columnMap = {}, previousFields = [] }: HeaderOptions = {},
): HeaderMatch {
  const targetOf = headerMatcher(columnMap)
  const isReport = cells.some((cell) => wholeHeader(cell).startsWith(reportPrefix))
  const names = cells.map(cleaned).map((name) => (isReport ? unescapeFormula(name) : name))
  while (names.length > 0 && wholeHeader(names.at(-1) ?? '') === '') names.pop()
  const wholes = names.map(wholeHeader)
  const added = wholes.map((whole) => whole.startsWith(reportPrefix))
  const targets = names.map((name, index): ColumnTarget =>
    added[index] === true || addedByTools(wholes[index] ?? '') || name.length > maxNameLength
      ? null
      : targetOf(name),
  )
  const passwords = [...names.keys()].filter((index) => {
    const target = targets[index] ?? null
    if (target !== null || added[index] === true) return target === 'password'
    return passwordNames.test(plainHeader((names[index] ?? '').slice(0, maxNameLength)))
  })
  const own = [...names.keys()].filter((index) => added[index] === false)
  const fields = targets.filter((target) => target !== null).map(fieldOf)
  const match: HeaderMatch = {
    names,
    columns: targets,
    fields,
    ignored: names.filter(
      (_, index) =>
        targets[index] === null &&
        added[index] === false &&
        wholes[index] !== '' &&
        !addedByTools(wholes[index] ?? ''),
    ),
    isReport,
    own,
    rawColumn: wholes.indexOf(`${reportPrefix}raw`),
    codesColumn: wholes.indexOf(`${reportPrefix}codes`),
    passwords,
    hasPassword: passwords.length > 0,
    columnsKnown:
      identifies(fields) || fields.length * 2 > own.filter((index) => wholes[index] !== '').length,
    reasons: [],
    warnings: [],
  }
  match.reasons = fileReasons(match)
  if (match.reasons.length === 0) match.warnings = fileWarnings(match, previousFields)
  return match
}

function fieldOf(target: FieldName | 'deactivate'): FieldName {
  return target === 'deactivate' ? 'status' : target
}

function identifies(fields: readonly FieldName[]): boolean {
  return fields.includes('UserUUID') || fields.includes('email')
}

function looksLikeAddress(name: string): boolean {
  return name.length <= maxNameLength && /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(name)
}

function fileReasons(match: HeaderMatch): FileNotice[] {
  const { names, columns, fields, own, columnsKnown } = match
  if (names.length === 0) {
    return [fileNotice(9100, { what: 'has a header row without names' })]
  }
  // A report of a wide file has more, by ours.
  if (own.length > fileLimits.maxColumns) {
    const limit = `${fileLimits.maxColumns} columns`
    return [
      fileNotice(9108, {
        what: `${own.length} columns`,
        limit,
        remedy: 'leave out those that are not needed and drop the file again',
      }),
    ]
  }
  // An address among names, hardly one of which is known: the first row is a user already.
  if (!columnsKnown && names.some(looksLikeAddress)) {
    return [fileNotice(9100, { what: 'has no header row' })]
  }
  const reasons: FileNotice[] = []
  for (const field of new Set(fields)) {
    const same = names.filter((_, index) => {
      const target = columns[index] ?? null
      return target !== null && fieldOf(target) === field
    })
    if (same.length > 1) reasons.push(fileNotice(9103, { columns: shownList(same), field }))
  }
  if (!identifies(fields)) reasons.push(fileNotice(9102, { columns: listed(match) }))
  return reasons
}

/** The columns for a sentence; where they may be values of a user, a password among them, no more than their number. */
function listed({ names, own, fields, columnsKnown }: HeaderMatch): string {
  if (own.length === 0) return 'no columns'
  if (columnsKnown) return `the columns ${shownList(own.map((index) => names[index] ?? ''))}`
  const columns = own.length === 1 ? '1 column' : `${own.length} columns`
  return `${columns}, ${fields.length === 0 ? 'none' : `${fields.length}`} of which the format knows`
}

function fileWarnings(
  { fields, ignored }: HeaderMatch,
  previousFields: readonly string[],
): FileNotice[] {
  const warnings: FileNotice[] = []
  if (ignored.length > 0) {
    const columns = `${ignored.length === 1 ? 'the column' : 'the columns'} ${shownList(ignored)}`
    warnings.push(fileNotice(9104, { columns }))
  }
  const missing = fieldNames.filter(
    (field) => previousFields.includes(field) && !fields.includes(field),
  )
  if (missing.length > 0) {
    const columns = `${missing.length === 1 ? 'the column' : 'the columns'} ${missing.map(shown).join(', ')}`
    warnings.push(fileNotice(9118, { columns }))
  }
  return warnings
}
