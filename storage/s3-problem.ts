import { S3ServiceException } from '@aws-sdk/client-s3'
import { AppError } from '../src/domain/error.ts'
import type { ErrorCode } from '../src/domain/error.ts'

/** What the server or the way to it says, by the names that S3's error documents have. */
const meanings: readonly (readonly [ErrorCode, string, readonly string[]])[] = [
  ['not_found', 'there is no such file', ['NoSuchKey', 'NotFound']],
  ['exists', 'there is one of this name', ['PreconditionFailed', 'ConditionalRequestConflict']],
  ['out_of_space', 'the bucket is full, space is needed', ['QuotaExceeded', 'InsufficientStorage']],
  ['invalid', 'the name is too long', ['KeyTooLongError', 'InvalidObjectName']],
  ['unavailable', 'the bucket is not there', ['NoSuchBucket']],
  ['unavailable', 'the upload was given up, it is needed again', ['NoSuchUpload']],
  [
    'unavailable',
    'the bucket refuses the credentials',
    [
      'AccessDenied',
      'InvalidAccessKeyId',
      'SignatureDoesNotMatch',
      'Forbidden',
      'AllAccessDisabled',
    ],
  ],
]

/** The name of the S3 error, '' for what is none. */
function nameOf(error: unknown): string {
  if (!(error instanceof S3ServiceException)) return ''
  // An answer to HEAD has no body, so no name either.
  if (
    error.$metadata.httpStatusCode === 403 &&
    !meanings.some(([, , names]) => names.includes(error.name))
  ) {
    return 'Forbidden'
  }
  return error.name
}

/** True when S3 refused with one of `names`, such as `NoSuchUpload`. */
export function isS3Error(error: unknown, ...names: string[]): boolean {
  return names.includes(nameOf(error))
}

/** The AppError that says what S3's error means. */
export function explained(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error
  for (const [code, meaning, names] of meanings) {
    if (isS3Error(error, ...names))
      return new AppError(code, `${what}: ${meaning}`, { cause: error })
  }
  return new AppError('unavailable', `${what}: the object store does not answer as it should`, {
    cause: error,
  })
}
