import { AppError, isAppError } from '../../domain/error.ts'
import type { ErrorCode } from '../../domain/error.ts'

/** A refusal whose reply code its place in the protocol decides. */
export class Refusal extends AppError {
  readonly reply: number

  constructor(reply: number, code: ErrorCode, message: string) {
    super(code, message)
    this.name = 'Refusal'
    this.reply = reply
  }
}

/** The reply code of each error (RFC 959 section 4.2). */
const codes: Readonly<Record<ErrorCode, number>> = {
  invalid: 501,
  unauthenticated: 530,
  forbidden: 550,
  not_found: 550,
  exists: 550,
  conflict: 550,
  too_large: 552,
  out_of_space: 552,
  too_many: 452,
  unavailable: 451,
  unsupported: 504,
}

/** Commands that give a file its name: 553 is theirs alone (RFC 959 section 5.4). */
const naming = new Set(['STOR', 'APPE', 'RNTO'])

/** Code and text for what `command` threw; nothing of a fault of ours but that it was one. */
export function replyOf(error: unknown, command: string): [number, string] {
  if (error instanceof Refusal) return [error.reply, error.message]
  if (isAppError(error, 'invalid') && naming.has(command)) return [553, error.message]
  if (isAppError(error)) return [codes[error.code], error.message]
  return [451, 'The command could not be done through a fault of the service, try it again']
}
