import type { RowReason } from './importer.ts'
import type { FileNotice } from './run.ts'

type ReasonLevel = 'file' | 'row' | 'warning'

/** One reason: what its code means, and the two halves of the sentence that a client reads. */
export interface Reason {
  readonly level: ReasonLevel
  readonly meaning: string
  /** `<what is>, <what is needed>`. `{x}` takes our own words, `"{x}"` quotes a value of the file. */
  readonly sentence: string
  /** How to put it right. */
  readonly remedy: string
}

/**
 * The one table of reasons (spec/file-format.md section 5).
 *
 * Codes below 9100 are OPS-COM's with its numbers and senses; those from 9100 on are ours.
 */
export const reasons = {
  9003: {
    level: 'row',
    meaning: 'cannot parse',
    sentence: 'The row cannot be parsed because {fault}, well-formed CSV is needed',
    remedy: 'put the value in quotes and double every quote inside it',
  },
  9009: {
    level: 'file',
    meaning: 'not found',
    sentence: 'The file "{name}" was not found when it was to be read, it must stay until imported',
    remedy: 'drop it again',
  },
  9011: {
    level: 'row',
    meaning: 'province required',
    sentence: '{field} is blank, a province or state is required',
    remedy: 'fill in a two-letter code such as ON',
  },
  9013: {
    level: 'row',
    meaning: 'unique id required',
    sentence: '{field} {what}, an identifier is required to know whose row this is',
    remedy: 'fill it in',
  },
  9014: {
    level: 'row',
    meaning: 'login source required',
    sentence: '{field} is blank, a login source is required',
    remedy: '{remedy}',
  },
  9015: {
    level: 'row',
    meaning: 'login source invalid',
    sentence: '{field} is "{value}", a configured login source is needed',
    remedy: '{remedy}',
  },
  9016: {
    level: 'row',
    meaning: 'email required',
    sentence: '{field} is blank, an email address is required',
    remedy: 'fill it in',
  },
  9017: {
    level: 'row',
    meaning: 'first name required',
    sentence: '{field} is blank, a first name is required',
    remedy: 'fill it in',
  },
  9018: {
    level: 'row',
    meaning: 'last name required',
    sentence: '{field} is blank, a last name is required',
    remedy: 'fill it in',
  },
  9019: {
    level: 'row',
    meaning: 'email must be unique',
    sentence: '{field} is "{value}", which belongs to {owner}, and an email must be unique',
    remedy: 'give this user another address, or correct its UserUUID',
  },
  9020: {
    level: 'row',
    meaning: 'username must be unique',
    sentence: '{field} is "{value}", which belongs to {owner}, and a username must be unique',
    remedy: 'give this user another username, or correct its UserUUID',
  },
  9030: {
    level: 'row',
    meaning: 'too long',
    sentence: '{field} has {length} characters, at most {max} are allowed',
    remedy: 'shorten it',
  },
  9031: {
    level: 'row',
    meaning: 'required',
    sentence: '{field} {what}, a value is required',
    remedy: 'fill it in',
  },
  9032: {
    level: 'row',
    meaning: 'too short',
    sentence: '{field} has {length} characters, at least {min} are needed',
    remedy: 'choose a longer one',
  },
  9033: {
    level: 'row',
    meaning: 'invalid value',
    sentence: '{field} is "{value}", {need} is needed',
    remedy: '{remedy}',
  },
  9100: {
    level: 'file',
    meaning: 'empty, or no header row',
    sentence: 'The file {what}, a first row with the names of the columns is needed',
    remedy: 'add it and drop the file again',
  },
  9101: {
    level: 'warning',
    meaning: 'not UTF-8, read as Windows-1252',
    sentence: 'The file is not UTF-8, it was read as Windows-1252',
    remedy: 'if letters with accents came out wrong, save it as "CSV UTF-8" and drop it again',
  },
  9102: {
    level: 'file',
    meaning: 'no identifying column',
    sentence: 'The header has {columns}, a column UserUUID or email is needed',
    remedy: 'name the column that identifies a user UserUUID or email and drop the file again',
  },
  9103: {
    level: 'file',
    meaning: 'two columns for one field',
    sentence:
      'The columns {columns} mean the same field ({field}), one column for a field is needed',
    remedy: 'remove or rename the others and drop the file again',
  },
  9104: {
    level: 'warning',
    meaning: 'unknown column ignored',
    sentence:
      'The file has {columns}, which the format does not know, so nothing of it was imported',
    remedy: 'rename it if it was meant to be imported',
  },
  9105: {
    level: 'row',
    meaning: 'wrong number of fields',
    sentence: 'The row has {count}, {needed} are needed',
    remedy:
      'put every value that holds the delimiter in quotes, and give every column a cell, blank if need be',
  },
  9106: {
    level: 'row',
    meaning: 'quote opened here is not closed',
    sentence: 'A quote is opened in line {line} and not closed, quotes are needed in pairs',
    remedy: 'close it, or double it where it belongs to the value',
  },
  9107: {
    level: 'row',
    meaning: 'line break in a one-line field',
    sentence: '{field} has a line break in it, one line is needed',
    remedy: 'take the line break out; a stray quote in this row or before it is the usual cause',
  },
  9108: {
    level: 'file',
    meaning: 'over a limit',
    sentence: 'The file has {what}, at most {limit} are allowed',
    remedy: '{remedy}',
  },
  9109: {
    level: 'file',
    meaning: 'not a CSV',
    sentence: 'The file "{name}" is {what}, a CSV file is needed',
    remedy: 'save or export it as CSV (in Excel: "CSV UTF-8") and drop that',
  },
  9110: {
    level: 'row',
    meaning: 'conflicts with another line of this file',
    sentence:
      '{field} is "{value}", as in {lines} of this file with other values, one row for a user is needed',
    remedy: 'keep the right row and remove the others',
  },
  9111: {
    level: 'file',
    meaning: 'identical to an imported file',
    sentence: 'The file has the same content as the last one imported, so nothing was done',
    remedy: 'nothing has to be done, unless another file was meant',
  },
  9112: {
    level: 'file',
    meaning: 'held: too many deactivations',
    sentence: 'The full file {what}, {limit}, so nothing was changed yet',
    remedy: 'approve or reject the import, or drop a complete file',
  },
  9113: {
    level: 'file',
    meaning: 'upload incomplete',
    sentence: 'The upload of "{name}" ended early, the whole file is needed',
    remedy: 'upload it again, or resume the upload',
  },
  9114: {
    level: 'row',
    meaning: 'damaged by a spreadsheet',
    sentence: '{field} is "{value}", {damage}',
    remedy:
      'export the file again, and format the column as text before a spreadsheet opens or saves it',
  },
  9115: {
    level: 'row',
    meaning: 'unusable characters',
    sentence: '{field} has the character {character} in it, readable text is needed',
    remedy: 'type the value again',
  },
  9116: {
    level: 'row',
    meaning: 'more than one user matches',
    sentence: '{field} is "{value}", which more than one user has, and one is needed',
    remedy: 'add the UserUUID of the user to the row',
  },
  9117: {
    level: 'row',
    meaning: 'our own fault',
    sentence:
      'The row could not be stored through a fault of the service, nothing of it was changed',
    remedy: 'drop it again later; whoever runs the service has been told',
  },
  9118: {
    level: 'warning',
    meaning: 'a known column is missing since the last file',
    sentence: 'The file lacks {columns}, which the last file had, and what is stored was kept',
    remedy: 'add the column again if it was left out by mistake',
  },
  9119: {
    level: 'warning',
    meaning: 'a value was taken with a remark',
    sentence: '{field} is "{value}", {taken}',
    remedy: '{remedy}',
  },
  9120: {
    level: 'warning',
    meaning: 'password of an existing user ignored',
    sentence: '{field} is filled in for a user that exists already, the password was not changed',
    remedy: 'leave the cell blank',
  },
  9121: {
    level: 'warning',
    meaning: 'repeated row counted once',
    sentence: 'The row repeats line {line} of this file, it was counted once',
    remedy: 'remove one of the two',
  },
  9122: {
    level: 'warning',
    meaning: 'nobody was deactivated',
    sentence:
      'The file has failed rows whose UserUUID or email cannot be read ({rows}), so no user that it lacks was set inactive',
    remedy: 'correct them and send the whole file again',
  },
} as const satisfies Record<number, Reason>

export type ReasonCode = keyof typeof reasons

/** True for the reasons of a record that could not be split into the columns of its file. */
export function isUnsplit(code: number): boolean {
  return code === 9003 || code === 9105 || code === 9106 || code === 9108
}

/** All that sentences are made of. */
export function reasonTexts(): string {
  return JSON.stringify(reasons)
}

/** All codes, in ascending order. */
export const reasonCodes: readonly ReasonCode[] = Object.keys(reasons)
  .map(Number)
  .filter((code): code is ReasonCode => isReasonCode(code))

/** True when `code` is one of the table. */
export function isReasonCode(code: number): code is ReasonCode {
  return Object.hasOwn(reasons, code)
}

type Placeholder<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never

/** What the sentence of `Code` must be told. */
export type ReasonParams<Code extends ReasonCode> = Record<
  Placeholder<(typeof reasons)[Code]['sentence'] | (typeof reasons)[Code]['remedy']>,
  string | number
>

// Sentences are read in mails and cells: a longer value is shown by its beginning.
const maxQuoted = 60

/** A value of a file as it may stand in a sentence: one line, no quotes, at most about 60 characters. */
export function shown(value: string): string {
  const line = value
    .slice(0, 4 * maxQuoted)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('"', "'")
  const points = Array.from(line)
  return points.length <= maxQuoted && value.length <= 4 * maxQuoted
    ? line.toWellFormed()
    : `${points
        .slice(0, maxQuoted - 1)
        .join('')
        .toWellFormed()}…`
}

// A header may have 200 columns; a sentence names this many of them.
const maxListed = 20

/** Several values of a file, each quoted: `"a", "b" and "c"`. */
export function shownList(values: readonly string[]): string {
  const quoted = values.slice(0, maxListed).map((value) => `"${shown(value)}"`)
  if (values.length > maxListed) quoted.push(`${values.length - maxListed} more`)
  const last = quoted.pop() ?? ''
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`
}

function finished(code: ReasonCode, params: ReadonlyMap<string, string | number>): string {
  const { sentence, remedy }: Reason = reasons[code]
  return `${sentence}; ${remedy}`.replace(
    /"\{(\w+)\}"|\{(\w+)\}/g,
    (_, quoted: string | undefined, own: string | undefined) => {
      const value = params.get(quoted ?? own ?? '')
      if (value === undefined) throw new TypeError(`Reason ${code} lacks ${quoted ?? own}`)
      return quoted === undefined ? String(value) : `"${shown(String(value))}"`
    },
  )
}

/** The finished sentence of a reason: `<what is>, <what is needed>; <how to put it right>`. */
export function reasonSentence<Code extends ReasonCode>(
  code: Code,
  params: ReasonParams<Code>,
): string {
  return finished(code, new Map(Object.entries(params)))
}

/** A reason of a row, or a warning about one; `field` is the header as the client wrote it. */
export function rowReason<Code extends ReasonCode>(
  code: Code,
  field: string | null,
  params: ReasonParams<Code>,
): RowReason {
  return { code, field, sentence: reasonSentence(code, params) }
}

/** What the sentence of `Code` must be told besides the name of the field. */
export type FieldParams<Code extends ReasonCode> = Omit<ReasonParams<Code>, 'field'>

/** As rowReason, of a sentence that names the field. */
export function fieldReason<Code extends ReasonCode>(
  code: Code,
  field: string,
  params: FieldParams<Code>,
): RowReason {
  const given = new Map<string, string | number>(Object.entries(params))
  return { code, field, sentence: finished(code, given.set('field', shown(field))) }
}

/** A reason or a warning of the whole file. */
export function fileNotice<Code extends ReasonCode>(
  code: Code,
  params: ReasonParams<Code>,
): FileNotice {
  return { code, sentence: reasonSentence(code, params) }
}
