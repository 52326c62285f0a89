import { cleaned, isPlain } from '../domain/cell.ts'
import type { RowKeys, UniqueKeys } from '../domain/directory.ts'
import { fileLimits } from '../domain/format.ts'
import { unescapeFormula } from '../domain/formula.ts'
import type { HeaderMatch } from '../domain/header.ts'
import type { IdentifierShape } from '../domain/identifier-shape.ts'
import { comparisonKey } from '../domain/user.ts'
import { textFingerprint } from './fingerprint.ts'

/** Reads the keys of a row. */
interface KeyReader {
  /** True when the row has a UUID. */
  (cells: readonly string[], each: (key: string) => void): boolean
  columns: { uuid: number; email: number; username: number }
  /** So many columns have all keys. */
  width: number
}

/**
 * Gives rows with the same content the same number: that of the columns that are imported, however they are quoted. What
 * a report says of a row does not count, nor what no user is made of.
 */
export function contentReader({
  columns,
  isReport,
}: HeaderMatch): (cells: readonly string[]) => number {
  const read = [...columns.keys()].filter((index) => columns[index] !== null)
  return (cells) => {
    const values = read.map((index) => {
      const cell = cells[index] ?? ''
      return cleaned(isReport ? unescapeFormula(cell) : cell)
    })
    return textFingerprint(values.join('\0'))
  }
}

/** Reads the keys of a row without checking it: they only say which rows to look at again. */
export function keyReader({ columns, isReport }: HeaderMatch): KeyReader {
  const at = {
    uuid: columns.indexOf('UserUUID'),
    email: columns.indexOf('email'),
    username: columns.indexOf('username'),
  }
  const value = (cells: readonly string[], column: number): string => {
    const cell = column < 0 ? '' : (cells[column] ?? '')
    if (cell === '' || (!isReport && isPlain(cell))) return cell
    return cleaned(isReport ? unescapeFormula(cell) : cell)
  }
  const read = (cells: readonly string[], each: (key: string) => void): boolean => {
    const uuid = value(cells, at.uuid)
    if (uuid !== '') each(`u:${uuid}`)
    const email = value(cells, at.email)
    if (email !== '') each(`e:${comparisonKey(email)}`)
    const username = value(cells, at.username)
    if (username !== '') each(`n:${comparisonKey(username)}`)
    return uuid !== ''
  }
  return Object.assign(read, { columns: at, width: 1 + Math.max(at.uuid, at.email, at.username) })
}

/** All keys of a row; null for those that it has not. */
export type ScannedKeys = RowKeys & UniqueKeys

/** The keys of a row's cells. */
export function keyCells(keysOf: KeyReader, cells: readonly string[]): ScannedKeys {
  const keys: ScannedKeys = { uuid: null, emailKey: null, usernameKey: null }
  keysOf(cells, (key) => {
    if (key.startsWith('u:')) keys.uuid = key.slice(2)
    else if (key.startsWith('e:')) keys.emailKey = key.slice(2)
    else keys.usernameKey = key.slice(2)
  })
  return keys
}

/** Whatever may be a key in a record that does not fit the columns: a failed row counts as present. */
export function anyKeys(record: string, delimiter: string): ScannedKeys[] {
  const cells = record.replaceAll('"', '').split(delimiter, 2 * fileLimits.maxColumns)
  return cells
    .map(cleaned)
    .filter((cell) => cell !== '')
    .flatMap((cell) => {
      const key = comparisonKey(cell)
      return [
        { uuid: cell, emailKey: null, usernameKey: null },
        { uuid: null, emailKey: key, usernameKey: key },
      ]
    })
}

/** The keys that a row most likely had before it was damaged: without unusable characters, with its zeros in front. */
export function mendedKeys(keys: ScannedKeys, shape: IdentifierShape | null): ScannedKeys {
  const mended = (key: string | null): string | null =>
    key === null ? null : cleaned(key.replace(/[\p{Cc}\uFFFD]/gu, ''))
  const uuid = mended(keys.uuid)
  return {
    uuid: uuid !== null && shape !== null ? uuid.padStart(shape.digits, '0') : uuid,
    emailKey: mended(keys.emailKey),
    usernameKey: mended(keys.usernameKey),
  }
}
