import {
  cleaned,
  codePoints,
  hasLineBreak,
  hasOuterSpace,
  isBlank,
  isPlain,
  unusableCharacter,
  withLineFeeds,
} from './cell.ts'
import { clearWord, columns as format, fieldNames } from './format.ts'
import type { Column, FieldName } from './format.ts'
import { unescapeFormula } from './formula.ts'
import type { HeaderMatch } from './header.ts'
import type { IdentifierShape } from './identifier-shape.ts'
import type { RowReason } from './importer.ts'
import { fieldReason, isReasonCode, isUnsplit, rowReason, shown, shownList } from './reason.ts'
import type { Tenant, TenantSettings } from './tenant.ts'
import { comparisonKey } from './user.ts'
import type { CheckedRow, StoredField } from './user.ts'
import { valueCheck } from './value-check.ts'
import type { Finder, ValueCheck } from './value-check.ts'

export interface RowCheckOptions {
  header: HeaderMatch
  settings: Pick<
    TenantSettings,
    'blankCells' | 'requiredFields' | 'defaultLoginSource' | 'datePattern'
  >
  userTypes: Tenant['userTypes']
  loginSources: Tenant['loginSources']
  /** What the identifiers stored so far look like; a field that is not here has no shape. */
  shapes?: Readonly<Partial<Record<FieldName, IdentifierShape | null>>>
}

/** Checks the rows of one file. */
export interface RowCheck {
  /** The stored fields that the file has; `values` of a checked row are aligned with it. */
  readonly fields: readonly StoredField[]
  /** What a new user gets where the row says nothing. */
  readonly onCreate: { readonly loginSource: string | null; readonly active: true }
  /** Why no row of this file can create a user: required fields that have no column. Empty mostly. */
  readonly createReasons: readonly RowReason[]
  /**
   * Checks one record, whose first physical line is `line`; blank records are not rows (isBlankRecord). `plain`: all
   * of it is known to be printable ASCII, which saves a look at every character.
   */
  readonly check: (cells: readonly string[], line: number, plain?: boolean) => CheckedRow
  /** Warns of a value under an empty header (9104); undefined where no record can have one. Once a file is enough. */
  readonly checkUnnamed: ((cells: readonly string[]) => RowReason | undefined) | undefined
}

// Where the value of a cell goes that is no stored field.
const passwordSlot = -1
const statusSlot = -2

interface Cell {
  readonly index: number
  readonly header: string
  readonly field: FieldName
  readonly column: Column
  readonly slot: number
  /** Code points; Infinity: the rule sets the length. */
  readonly max: number
  readonly required: boolean
  readonly check: ValueCheck | undefined
  /** The value of a blank cell. */
  readonly blank: string | null | undefined
}

const none: readonly RowReason[] = Object.freeze([])

/** Makes the check of the rows of one file (spec/file-format.md section 3); everything is looked up beforehand. */
export function createRowCheck(options: RowCheckOptions): RowCheck {
  const { header, settings } = options
  const { names, isReport, rawColumn } = header
  const width = names.length
  const fields = header.fields.filter(
    (field): field is StoredField => field !== 'password' && field !== 'status',
  )
  const cellsToCheck = compile(options, fields)
  const keyHeaders = cellsToCheck.filter(({ field }) => field === 'UserUUID' || field === 'email')
  const emailSlot = fields.indexOf('email')
  const uuidSlot = fields.indexOf('UserUUID')
  const usernameSlot = fields.indexOf('username')
  const passwordIgnored: readonly RowReason[] = Object.freeze(
    cellsToCheck
      .filter(({ slot }) => slot === passwordSlot)
      .map(({ header: name }) => rowReason(9120, name, { field: name })),
  )

  // State of the row at hand: kept outside so that a good row allocates nothing but its result.
  let reasons: RowReason[] = []
  let warnings: RowReason[] = []
  let field = ''
  let allPlain = false
  const find: Finder = {
    fail(code, params) {
      reasons.push(fieldReason(code, field, params))
      return undefined
    },
    warn(code, params) {
      warnings.push(fieldReason(code, field, params))
    },
  }

  function accepted(cell: Cell, given: string): string | null | undefined {
    let value = isReport ? unescapeFormula(given) : given
    const plain = value === '' || (allPlain ? !hasOuterSpace(value) : isPlain(value))
    if (!plain) value = cleaned(value)
    if (value === '') {
      if (cell.required) find.fail(cell.column.requiredCode, requiredParams)
      return cell.blank
    }
    if (value === clearWord) return cleared(cell, find)
    if (!plain) {
      const character = unusableCharacter(value)
      if (character !== undefined) return find.fail(9115, { character })
      if (hasLineBreak(value)) {
        if (cell.column.multiLine !== true) return find.fail(9107, {})
        value = withLineFeeds(value)
      }
    }
    if (value.length > cell.max) {
      const length = codePoints(value)
      if (length > cell.max) {
        find.fail(9030, { length, max: cell.max })
        cell.check?.(value, find)
        return undefined
      }
    }
    return cell.check === undefined ? value : cell.check(value, find)
  }

  /** A password is judged where the row creates a user, and else ignored. */
  function acceptPassword(row: CheckedRow, cell: Cell, given: string): void {
    const others = reasons
    reasons = []
    row.password = accepted(cell, given) ?? null
    if (reasons.length > 0) row.createReasons = reasons
    if (!isBlank(given)) row.updateWarnings = passwordIgnored
    reasons = others
  }

  const requiredParams = {
    what: 'is blank',
    remedy:
      options.loginSources.length === 0
        ? 'fill it in'
        : `fill in one of ${shownList(options.loginSources)}`,
  }

  return {
    fields,
    onCreate: { loginSource: settings.defaultLoginSource, active: true },
    createReasons: missingColumns(options),
    checkUnnamed: unnamedCheck(header),
    check(cells, line, plain = false) {
      allPlain = plain
      const row: CheckedRow = {
        line,
        values: [],
        active: undefined,
        password: null,
        uuid: null,
        emailKey: null,
        usernameKey: null,
        reasons: none,
        createReasons: none,
        warnings: none,
        updateWarnings: none,
      }
      if (cells.length !== width) {
        const reason = widthReason(cells, width)
        if (reason !== undefined) {
          row.reasons = [reason]
          return row
        }
      }
      if (rawColumn !== -1) {
        const again = unsplitAgain(header, cells)
        if (again !== undefined) {
          row.reasons = again
          return row
        }
      }
      for (const cell of cellsToCheck) {
        field = cell.header
        const given = cells[cell.index] ?? ''
        if (cell.slot === passwordSlot) {
          acceptPassword(row, cell, given)
          continue
        }
        const value = accepted(cell, given)
        if (cell.slot >= 0) row.values.push(value)
        else if (value !== undefined) row.active = value === 'active'
      }
      if (uuidSlot !== -1) row.uuid = row.values[uuidSlot] ?? null
      if (emailSlot !== -1) row.emailKey = keyOf(row.values[emailSlot])
      if (usernameSlot !== -1) row.usernameKey = keyOf(row.values[usernameSlot])
      if (row.uuid === null && row.emailKey === null) {
        const reason = keyReason(keyHeaders, reasons)
        if (reason !== undefined) reasons.unshift(reason)
      }
      if (reasons.length > 0) {
        row.reasons = reasons
        reasons = []
      }
      if (warnings.length > 0) {
        row.warnings = warnings
        warnings = []
      }
      return row
    },
  }
}

function keyOf(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : comparisonKey(value)
}

function compile(
  { header, settings, userTypes, loginSources, shapes = {} }: RowCheckOptions,
  fields: readonly StoredField[],
): Cell[] {
  const compiled: Cell[] = []
  for (const [index, target] of header.columns.entries()) {
    if (target === null) continue
    const field = target === 'deactivate' ? 'status' : target
    const column = format[field]
    const { defaultLoginSource } = settings
    const byDefault = field === 'loginSource' && defaultLoginSource !== null
    const clears = settings.blankCells === 'clear' && column.neverCleared !== true
    compiled.push({
      index,
      field,
      column,
      header: header.names[index] ?? field,
      slot:
        field === 'password'
          ? passwordSlot
          : field === 'status'
            ? statusSlot
            : fields.indexOf(field),
      // A name that is not in the list is refused with the list, however long it is.
      max: column.kind === 'userType' && userTypes.length > 0 ? Infinity : (column.max ?? Infinity),
      required: settings.requiredFields.includes(field) && !byDefault,
      check: valueCheck(column, {
        userTypes,
        loginSources,
        datePattern: settings.datePattern,
        shape: shapes[field] ?? null,
        inverted: target === 'deactivate',
      }),
      blank: clears ? (byDefault ? defaultLoginSource : null) : undefined,
    })
  }
  return compiled
}

/** `__CLEAR__`: null, or a fault where the field must keep a value. */
function cleared({ column, field, required }: Cell, find: Finder): null | undefined {
  if (column.neverCleared === true) {
    return find.fail(9033, {
      value: clearWord,
      need: 'a value or a blank cell',
      remedy: `leave the cell blank, ${field} is never cleared`,
    })
  }
  if (required) return find.fail(9031, { what: 'is to be cleared' })
  return null
}

function unnamedCheck({ own, names }: HeaderMatch): RowCheck['checkUnnamed'] {
  const unnamed = own.filter((index) => names[index] === '')
  if (unnamed.length === 0) return undefined
  return (cells) => {
    const index = unnamed.find((column) => !isBlank(cells[column] ?? ''))
    // Of a row with too many cells nobody knows what stands where.
    if (index === undefined || isOfOtherWidth(cells, names.length)) return undefined
    return rowReason(9104, null, { columns: `the column ${index + 1} without a name` })
  }
}

function isOfOtherWidth(cells: readonly string[], width: number): boolean {
  return cells.length < width || !cells.slice(width).every(isBlank)
}

/** 9105, unless all that is too much is blank. */
function widthReason(cells: readonly string[], width: number): RowReason | undefined {
  if (!isOfOtherWidth(cells, width)) return undefined
  const count = cells.length === 1 ? '1 field' : `${cells.length} fields`
  return rowReason(9105, null, { count, needed: width })
}

/** 9013 when neither key has a value; a key cell at fault has a reason of its own already. */
function keyReason(keys: readonly Cell[], reasons: readonly RowReason[]): RowReason | undefined {
  const headers = keys.map(({ header }) => header)
  if (reasons.some(({ field }) => field !== null && headers.includes(field))) return undefined
  const what = keys.length === 1 ? 'is blank' : 'are blank'
  const field = headers.map(shown).join(' and ')
  return rowReason(9013, headers[0] ?? null, { field, what })
}

function missingColumns({ header, settings }: RowCheckOptions): RowReason[] {
  return fieldNames
    .filter((field) => settings.requiredFields.includes(field) && !header.fields.includes(field))
    .filter((field) => field !== 'loginSource' || settings.defaultLoginSource === null)
    .map((field) =>
      rowReason(format[field].requiredCode, field, {
        field: `The missing column ${field}`,
        what: 'is blank',
        remedy: 'fill it in',
      }),
    )
}

/**
 * A record that could not be split comes back in a failure report, and nobody has filled its columns in:
 * its reasons once more. Undefined for any other row.
 */
function unsplitAgain(
  { own, rawColumn, codesColumn }: HeaderMatch,
  cells: readonly string[],
): RowReason[] | undefined {
  if (isBlank(cells[rawColumn] ?? '') || !own.every((index) => isBlank(cells[index] ?? ''))) {
    return undefined
  }
  const codes = (cells[codesColumn] ?? '').split(';').map(Number)
  const known = codes.filter(isUnsplit)
  return (known.length === 0 ? [9105] : known).filter(isReasonCode).map((code) => ({
    code,
    field: null,
    sentence:
      'The row still stands in import_error_raw alone, its values are needed in their own columns; copy them there, one into each column',
  }))
}
