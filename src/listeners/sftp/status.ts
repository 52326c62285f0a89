import { isAppError } from '../../domain/error.ts'
import type { ErrorCode } from '../../domain/error.ts'
import type { Log } from '../../domain/log.ts'
import { statusCode, StatusError } from './wire.ts'
import type { StatusCode } from './wire.ts'

/** What a version 3 client is told for each code; most of its world knows only FAILURE. */
const statusOf: Readonly<Record<ErrorCode, StatusCode>> = {
  invalid: statusCode.failure,
  unauthenticated: statusCode.permissionDenied,
  forbidden: statusCode.permissionDenied,
  not_found: statusCode.noSuchFile,
  exists: statusCode.failure,
  conflict: statusCode.failure,
  too_large: statusCode.failure,
  out_of_space: statusCode.failure,
  too_many: statusCode.failure,
  unavailable: statusCode.failure,
  unsupported: statusCode.opUnsupported,
}

/** The status that `error` is answered with; what is not meant for a peer is logged and hidden. */
export function statusFor(error: unknown, log: Log): StatusError {
  if (error instanceof StatusError) return error
  if (isAppError(error)) return new StatusError(statusOf[error.code], error.message)
  log.error('sftp request failed', { error })
  return new StatusError(
    statusCode.failure,
    'Cannot complete the request: the server has an internal error, another try later is needed',
  )
}
