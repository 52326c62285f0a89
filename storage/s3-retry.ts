import { setTimeout as pause } from 'node:timers/promises'
import { S3ServiceException } from '@aws-sdk/client-s3'

// The SDK's own retries share a budget that an outage uses up for long after it is over: here each request has its own.
const attempts = 4
// Full jitter: from nothing to this, doubled each time, so that all processes do not come back at once.
const pauseMs = 100
const pauseWhenBusyMs = 500

/** Errors that say that the server is busy, by name. */
const busyNames = ['SlowDown', 'TooManyRequests', 'ServiceUnavailable', 'ThrottlingException']
/** Client errors that another try can mend. */
const passingNames = ['RequestTimeout', 'RequestTimeTooSkewed', 'OperationAborted']

function isPassing(error: unknown): boolean {
  if (!(error instanceof S3ServiceException)) return true
  const { httpStatusCode = 500 } = error.$metadata
  return (
    httpStatusCode >= 500 ||
    httpStatusCode === 429 ||
    // An error document behind a 200, which copying and completing may give.
    httpStatusCode < 300 ||
    passingNames.includes(error.name)
  )
}

/** Does `work` again while it fails for a reason that may pass, with pauses in between; throws its last error. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === attempts || !isPassing(error)) throw error
      const busy = error instanceof Error && busyNames.includes(error.name)
      await pause(Math.random() * (busy ? pauseWhenBusyMs : pauseMs) * 2 ** attempt)
    }
  }
}
