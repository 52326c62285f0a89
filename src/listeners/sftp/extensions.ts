import { ok, readPath } from './conversation.ts'
import type { Conversation, Request, RequestKind } from './conversation.ts'
import { maxPacketBytes } from './frames.ts'
import { maxHandles } from './handles.ts'
import { packet, packetType } from './wire.ts'

/** OpenSSH's bound for the data of one READ or WRITE: a packet less 1 KiB for its head. */
export const maxDataBytes = 255 * 1024

/** Bytes of a file name (spec/transfer.md). */
const maxNameBytes = 255n
/** The unit that statvfs counts in. */
const blockBytes = 4_096
/** ST_NOSUID: true of a folder without permissions. */
const noSetUserId = 2n

/** One extended request (draft section 8, and OpenSSH's PROTOCOL file, section 4). */
interface Extension extends RequestKind {
  name: string
  version: string
}

async function posixRename(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const from = readPath(conversation, fields)
  await conversation.session.rename(from, readPath(conversation, fields), { overwrite: true })
  return ok(id)
}

async function fsync(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const handle = conversation.handles.get(fields.bytes())
  if (handle.kind === 'upload') await handle.sync()
  return ok(id)
}

function limits(_: Conversation, { id }: Request): Buffer {
  const data = BigInt(maxDataBytes)
  return packet(
    packetType.extendedReply,
    id,
    BigInt(maxPacketBytes),
    data,
    data,
    BigInt(maxHandles),
  )
}

async function statvfs(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  await conversation.session.stat(readPath(conversation, fields))
  const { freeBytes, totalBytes } = await conversation.session.space()
  const size = BigInt(blockBytes)
  const total = BigInt(Math.floor(totalBytes / blockBytes))
  const free = BigInt(Math.floor(freeBytes / blockBytes))
  // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail, f_fsid, f_flag, f_namemax
  const numbers = [size, size, total, free, free, 0n, 0n, 0n, 0n, noSetUserId, maxNameBytes]
  return packet(packetType.extendedReply, id, ...numbers)
}

/** The extensions that VERSION announces; any other request is answered OP_UNSUPPORTED. */
export const extensions: readonly Extension[] = [
  { name: 'posix-rename@openssh.com', version: '1', writes: 'folder', handle: posixRename },
  { name: 'statvfs@openssh.com', version: '2', writes: 'no', handle: statvfs },
  { name: 'fsync@openssh.com', version: '1', writes: 'upload', handle: fsync },
  { name: 'limits@openssh.com', version: '1', writes: 'no', handle: limits },
]
