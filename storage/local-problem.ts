import { AppError } from '../src/domain/error.ts'
import type { ErrorCode } from '../src/domain/error.ts'

/** True when the file system refused with one of `codes`, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    codes.includes(error.code)
  )
}

const meanings: readonly (readonly [ErrorCode, string, readonly string[]])[] = [
  ['not_found', 'there is no such file', ['ENOENT', 'ENOTDIR', 'ELOOP']],
  ['exists', 'there is one of this name', ['EEXIST']],
  ['out_of_space', 'the disk is full, space is needed', ['ENOSPC', 'EDQUOT']],
  ['invalid', 'the name is too long', ['ENAMETOOLONG']],
]

/** The AppError that says what the file system's error means; `what` never holds a path of this machine. */
export function explained(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error
  for (const [code, meaning, codes] of meanings) {
    if (hasCode(error, ...codes)) return new AppError(code, `${what}: ${meaning}`, { cause: error })
  }
  return new AppError('unavailable', `${what}: the disk does not answer as it should`, {
    cause: error,
  })
}
