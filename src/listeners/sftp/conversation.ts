import type { DropSession } from '../../domain/drop.ts'
import type { Frame } from './frames.ts'
import type { HandleTable } from './handles.ts'
import { statusCode, statusPacket } from './wire.ts'
import type { FieldReader } from './wire.ts'

/** What the handlers work on: one channel of one logged-in peer. */
export interface Conversation {
  readonly session: DropSession
  readonly handles: HandleTable
  /** Answers a WRITE later; `bytes` count as in flight until then. */
  answerLater(id: number, bytes: number): (error?: unknown) => void
  now(): number
}

/** One request behind its id. */
export interface Request {
  id: number
  fields: FieldReader
  /** The whole packet; its first piece holds at least the head. */
  frame: Frame
}

/** A row of the tables of packets and of extensions. */
export interface RequestKind {
  /**
   * `folder`: changes what others see in the drop folder, by name; `upload`: an upload that is open
   * already. A server that is stopping lets uploads finish and refuses the rest.
   */
  writes: 'no' | 'upload' | 'folder'
  /** Undefined: the answer comes later. Throws StatusError or AppError for a status other than OK. */
  handle(conversation: Conversation, request: Request): Buffer | undefined | Promise<Buffer>
}

/** SSH_FX_OK. */
export function ok(id: number): Buffer {
  return statusPacket(id, statusCode.ok, 'OK')
}

/** The next field as an absolute path in the drop folder; relative ones start at `/`. */
export function readPath(conversation: Conversation, fields: FieldReader): string {
  return conversation.session.resolve('/', fields.text())
}
