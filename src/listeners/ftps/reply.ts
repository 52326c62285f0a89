import { isAppError } from '../../domain/error.ts'
import type { ErrorCode } from '../../domain/error.ts'

/** The reply code of each error (RFC 959 section 4.2). */
const codes: Readonly<Record<ErrorCode, number>> = {
  invalid: 553,
  unauthenticated: 530,
  forbidden: 550,
  not_found: 550,
  exists: 550,
  conflict: 450,
  too_large: 552,
  out_of_space: 452,
  too_many: 421,
  unavailable: 425,
  unsupported: 504,
}

/** Code and text for what a command threw; nothing of a fault of ours but that it was one. */
export function replyOf(error: unknown): [number, string] {
  if (isAppError(error)) return [codes[error.code], error.message]
  return [451, 'The command could not be done through a fault of the service, try it again']
}
