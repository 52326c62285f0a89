/** What a caller can act on; every other error is internal: logged, and hidden from the peer. */
export const errorCodes = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'exists',
  'conflict',
  'too_large',
  'out_of_space',
  'too_many',
  'unavailable',
  'unsupported',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/**
 * An error that a caller can act on, and whose message a peer may read.
 *
 * Message grammar: `Cannot <verb> "<value>": <what is>, <what is needed>`, sentence case, no full stop.
 */
export class AppError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}

/** True when `error` is an AppError, of one of `codes` if any are given. */
export function isAppError(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && (codes.length === 0 || codes.includes(error.code))
}
