import type { DropEntry, DropReader, DropSession } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import { incompleteName } from '../../domain/layout.ts'
import { attributeFields, longName, readAttributes } from './attributes.ts'
import type { GivenAttributes } from './attributes.ts'
import { ok, readPath } from './conversation.ts'
import type { Conversation, Request, RequestKind } from './conversation.ts'
import { extensions, maxDataBytes } from './extensions.ts'
import { createUploadHandle } from './upload.ts'
import type { UploadHandle } from './upload.ts'
import { openFlag, packet, packetType, statusCode, StatusError, statusPacket } from './wire.ts'
import type { Field, FieldReader } from './wire.ts'

/** As many as OpenSSH answers with; some clients have small buffers. */
const namesPerPage = 100

/** A request of version 3. */
interface PacketKind extends RequestKind {
  type: number
  /** As the draft calls it, without SSH_FXP_. */
  name: string
}

function unsupported(what: string): StatusError {
  return new StatusError(statusCode.opUnsupported, `Cannot ${what}: this server has no such thing`)
}

/** What is read from for READ. */
function readable(
  conversation: Conversation,
  fields: FieldReader,
): Pick<DropReader, 'read'> | UploadHandle {
  const handle = conversation.handles.get(fields.bytes())
  if (handle.kind === 'read') return handle.reader
  if (handle.kind === 'upload' && handle.reads) return handle
  throw new StatusError(
    statusCode.failure,
    `Cannot read "${handle.path}": the handle is not open for reading, one that is is needed`,
  )
}

async function found(session: DropSession, name: string): Promise<DropEntry | undefined> {
  try {
    return await session.stat(name)
  } catch (error) {
    if (isAppError(error, 'not_found')) return undefined
    throw error
  }
}

async function isThere(session: DropSession, name: string): Promise<boolean> {
  return (await found(session, name))?.kind === 'file'
}

async function openWrite(
  conversation: Conversation,
  id: number,
  name: string,
  flags: number,
): Promise<Buffer> {
  const { session, handles } = conversation
  const creates = (flags & openFlag.create) !== 0
  const truncates = (flags & openFlag.truncate) !== 0
  const reads = (flags & openFlag.read) !== 0
  const exclusive = creates && (flags & openFlag.exclusive) !== 0
  const appends = (flags & openFlag.append) !== 0
  const partial = async (): Promise<boolean> =>
    (await isThere(session, name)) || (await isThere(session, incompleteName(name)))
  const fresh = exclusive || truncates
  const resumes = (!fresh || !creates) && (await partial())
  if (!creates && !resumes) {
    throw new StatusError(
      statusCode.noSuchFile,
      `Cannot open "${name}": there is no such file, the CREAT flag is needed to make one`,
    )
  }
  if (!fresh && !appends && resumes) {
    const handle = createUploadHandle({ session, path: name, upload: undefined, appends, reads })
    return packet(packetType.handle, id, handles.add(handle))
  }
  // With TRUNC or EXCL, APPEND has nothing to go on from, and still every WRITE goes to the end.
  const goesOn = appends && resumes && !fresh
  const disposition = exclusive ? 'create' : goesOn ? 'append' : 'replace'
  const upload = await session.openWrite(name, { disposition })
  const handle = createUploadHandle({ session, path: name, upload, appends, reads })
  return packet(packetType.handle, id, handles.add(handle))
}

async function open(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const { session, handles } = conversation
  const name = readPath(conversation, fields)
  const flags = fields.uint32()
  readAttributes(fields)
  handles.reserve('file')
  if ((flags & openFlag.write) !== 0) return openWrite(conversation, id, name, flags)
  const reader = await session.openRead(name)
  return packet(packetType.handle, id, handles.add({ kind: 'read', path: name, reader }))
}

async function close(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const handle = conversation.handles.take(fields.bytes())
  if (handle.kind === 'upload') await handle.commit()
  if (handle.kind === 'read') await handle.reader.close()
  return ok(id)
}

async function read(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const from = readable(conversation, fields)
  const position = fields.uint64()
  const length = Math.min(fields.uint32(), maxDataBytes)
  const bytes = length === 0 ? undefined : await from.read(position, length)
  if (bytes === undefined || bytes.length > 0) {
    return packet(packetType.data, id, bytes ?? Buffer.alloc(0))
  }
  return statusPacket(id, statusCode.eof, 'End of file')
}

function write(conversation: Conversation, { id, fields, frame }: Request): undefined {
  const handle = conversation.handles.get(fields.bytes())
  const offset = fields.uint64()
  const length = fields.uint32()
  if (handle.kind !== 'upload') {
    throw new StatusError(
      statusCode.failure,
      `Cannot write "${handle.path}": the handle is not open for writing, one that is is needed`,
    )
  }
  const [head = Buffer.alloc(0), ...rest] = frame
  const pieces: Buffer[] = []
  let left = length
  for (const piece of [head.subarray(head.length - fields.left), ...rest]) {
    if (left > 0 && piece.length > 0) pieces.push(piece.subarray(0, left))
    left -= Math.min(left, piece.length)
  }
  if (left > 0) {
    throw new StatusError(statusCode.badMessage, 'Cannot read the packet: it ends too early')
  }
  handle.write(offset, pieces, conversation.answerLater(id, length))
}

async function attributes(session: DropSession, id: number, name: string): Promise<Buffer> {
  return packet(packetType.attrs, id, ...attributeFields(await session.stat(name)))
}

async function fstat(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const { session, handles } = conversation
  const handle = handles.get(fields.bytes())
  if (handle.kind === 'folder') return attributes(session, id, handle.path)
  const writes = handle.kind === 'upload'
  const entry: DropEntry = {
    name: handle.path,
    kind: 'file',
    size: writes ? await handle.size() : handle.reader.size,
    modifiedAt: writes ? conversation.now() : handle.reader.modifiedAt,
    // The rights are the file's and not the handle's: STAT says the same.
    writable: writes || (await found(session, handle.path))?.writable === true,
  }
  return packet(packetType.attrs, id, ...attributeFields(entry))
}

/** Stores a file anew with another size. */
async function resize(
  session: DropSession,
  name: string,
  { shown, size }: { shown: DropEntry; size: number },
): Promise<void> {
  // STAT finds a cut upload by this name as well: that is no file, and another size must not make it one.
  const whole = await session.openRead(name)
  await whole.close()
  if (whole.size !== shown.size || whole.modifiedAt !== shown.modifiedAt) {
    throw new StatusError(
      statusCode.failure,
      `Cannot set the size of "${name}": an upload of it was cut, it is needed whole first`,
    )
  }
  const upload = await session.openWrite(name, { disposition: 'append' })
  try {
    await upload.truncate(size)
    await upload.commit()
  } catch (error) {
    await upload.cut('the size was not set')
    throw error
  }
}

async function setAttributes(
  session: DropSession,
  name: string,
  given: GivenAttributes,
): Promise<void> {
  const entry = await session.stat(name)
  if (given.size !== undefined && given.size !== entry.size) {
    await resize(session, name, { shown: entry, size: given.size })
  }
  if (given.modifiedAt !== undefined && entry.kind === 'file') {
    await session.touch(name, given.modifiedAt)
  }
}

async function setstat(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const name = readPath(conversation, fields)
  await setAttributes(conversation.session, name, readAttributes(fields))
  return ok(id)
}

async function fsetstat(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const handle = conversation.handles.get(fields.bytes())
  const given = readAttributes(fields)
  if (handle.kind !== 'upload') {
    await setAttributes(conversation.session, handle.path, given)
    return ok(id)
  }
  if (given.size !== undefined && given.size !== (await handle.size())) {
    await handle.truncate(given.size)
  }
  if (given.modifiedAt !== undefined) handle.setModifiedAt(given.modifiedAt)
  return ok(id)
}

async function opendir(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const { session, handles } = conversation
  const name = readPath(conversation, fields)
  handles.reserve('folder')
  const entries = await session.list(name)
  return packet(
    packetType.handle,
    id,
    handles.add({ kind: 'folder', path: name, entries, position: 0 }),
  )
}

function readdir(conversation: Conversation, { id, fields }: Request): Buffer {
  const handle = conversation.handles.get(fields.bytes())
  if (handle.kind !== 'folder') {
    throw new StatusError(
      statusCode.failure,
      `Cannot list "${handle.path}": the handle is not one of a folder, one from OPENDIR is needed`,
    )
  }
  const page = handle.entries.slice(handle.position, handle.position + namesPerPage)
  if (page.length === 0) return statusPacket(id, statusCode.eof, 'End of folder')
  handle.position += page.length
  const now = conversation.now()
  const names = page.flatMap((entry): Field[] => [
    entry.name,
    longName(entry, now),
    ...attributeFields(entry),
  ])
  return packet(packetType.name, id, page.length, ...names)
}

async function mkdir(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const name = readPath(conversation, fields)
  readAttributes(fields)
  try {
    await conversation.session.makeFolder(name)
  } catch (error) {
    // No other folders, no nesting: a failure, and not a want of rights (transfer.md).
    if (isAppError(error, 'forbidden')) throw new StatusError(statusCode.failure, error.message)
    throw error
  }
  return ok(id)
}

async function rename(conversation: Conversation, { id, fields }: Request): Promise<Buffer> {
  const from = readPath(conversation, fields)
  // Draft section 6.5: it is an error if there is a file of the new name; posix-rename is there for that.
  await conversation.session.rename(from, readPath(conversation, fields), { overwrite: false })
  return ok(id)
}

function realpath(conversation: Conversation, { id, fields }: Request): Buffer {
  const name = readPath(conversation, fields)
  return packet(packetType.name, id, 1, name, name, 0)
}

async function readlink(conversation: Conversation, { fields }: Request): Promise<Buffer> {
  const name = readPath(conversation, fields)
  await conversation.session.stat(name)
  throw new StatusError(
    statusCode.failure,
    `Cannot read "${name}" as a link: it is not one, there are none in a drop folder`,
  )
}

/** Every request of version 3, one row each; INIT is answered before there are any. */
const packetKinds: readonly PacketKind[] = [
  { type: packetType.open, name: 'OPEN', writes: 'folder', handle: open },
  { type: packetType.close, name: 'CLOSE', writes: 'upload', handle: close },
  { type: packetType.read, name: 'READ', writes: 'no', handle: read },
  { type: packetType.write, name: 'WRITE', writes: 'upload', handle: write },
  {
    type: packetType.lstat,
    name: 'LSTAT',
    writes: 'no',
    handle: (conversation, { id, fields }) =>
      attributes(conversation.session, id, readPath(conversation, fields)),
  },
  { type: packetType.fstat, name: 'FSTAT', writes: 'no', handle: fstat },
  { type: packetType.setstat, name: 'SETSTAT', writes: 'folder', handle: setstat },
  { type: packetType.fsetstat, name: 'FSETSTAT', writes: 'upload', handle: fsetstat },
  { type: packetType.opendir, name: 'OPENDIR', writes: 'no', handle: opendir },
  { type: packetType.readdir, name: 'READDIR', writes: 'no', handle: readdir },
  {
    type: packetType.remove,
    name: 'REMOVE',
    writes: 'folder',
    handle: async (conversation, { id, fields }) => {
      await conversation.session.remove(readPath(conversation, fields))
      return ok(id)
    },
  },
  { type: packetType.mkdir, name: 'MKDIR', writes: 'folder', handle: mkdir },
  {
    type: packetType.rmdir,
    name: 'RMDIR',
    writes: 'folder',
    handle: async (conversation, { id, fields }) => {
      await conversation.session.removeFolder(readPath(conversation, fields))
      return ok(id)
    },
  },
  { type: packetType.realpath, name: 'REALPATH', writes: 'no', handle: realpath },
  {
    type: packetType.stat,
    name: 'STAT',
    writes: 'no',
    handle: (conversation, { id, fields }) =>
      attributes(conversation.session, id, readPath(conversation, fields)),
  },
  { type: packetType.rename, name: 'RENAME', writes: 'folder', handle: rename },
  { type: packetType.readlink, name: 'READLINK', writes: 'no', handle: readlink },
  {
    type: packetType.symlink,
    name: 'SYMLINK',
    writes: 'folder',
    handle: () => {
      throw unsupported('make a link')
    },
  },
]

const kindOfType = new Map(packetKinds.map((kind) => [kind.type, kind]))
const kindOfName = new Map(extensions.map((extension) => [extension.name, extension]))

/** The row for a packet; of an EXTENDED one the name is read. Throws StatusError `opUnsupported` where there is none. */
export function requestKind(type: number, fields: FieldReader): RequestKind {
  const name = type === packetType.extended ? fields.text() : undefined
  const kind = name === undefined ? kindOfType.get(type) : kindOfName.get(name)
  if (kind === undefined) throw unsupported(`answer ${name ?? `a packet of type ${type}`}`)
  return kind
}

/** SSH_FXP_VERSION: version 3 and the extensions. */
export function versionPacket(): Buffer {
  return packet(
    packetType.version,
    3,
    ...extensions.flatMap(({ name, version }) => [name, version]),
  )
}
