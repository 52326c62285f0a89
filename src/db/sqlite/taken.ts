import { AppError } from '../../domain/error.ts'

// https://www.sqlite.org/rescode.html: SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
const uniqueErrors = new Set([1555, 2067])

/** True when SQLite refused a statement because of a unique index. */
export function isTaken(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    uniqueErrors.has(error.errcode)
  )
}

// SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE: by what was to be stored, not by the place.
const rowErrors = new Set([18, 19, 20, 25])

/** True when SQLite refused one row and would take others. */
export function isRowFault(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    rowErrors.has(error.errcode & 0xff)
  )
}

/** Runs `write`; a unique index that refuses it becomes AppError `exists` with `what` in front. */
export function refuseTaken<T>(what: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new AppError('exists', `${what}: the name is taken, choose another`, { cause: error })
  }
}
