/** Packet types of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 3). */
export const packetType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const

/** Status codes (section 7); the codes 6 and 7 are for a client to give to itself. */
export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  opUnsupported: 8,
} as const

export type StatusCode = (typeof statusCode)[keyof typeof statusCode]

/** Open flags (section 6.3). */
export const openFlag = {
  read: 0x01,
  write: 0x02,
  append: 0x04,
  create: 0x08,
  truncate: 0x10,
  exclusive: 0x20,
} as const

/** The answer to a request that did not succeed; `message` is what the peer reads. */
export class StatusError extends Error {
  readonly code: StatusCode

  constructor(code: StatusCode, message: string) {
    super(message)
    this.name = 'StatusError'
    this.code = code
  }
}

function badMessage(what: string): StatusError {
  return new StatusError(statusCode.badMessage, `Cannot read the packet: ${what}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the fields of a packet one after the other; throws StatusError `badMessage` at the end of the bytes. */
export interface FieldReader {
  uint32(): number
  /** Throws StatusError `failure` above 2^53: no file is that big. */
  uint64(): number
  bytes(): Uint8Array
  /** A name: UTF-8, as the drop folder's rules ask for. */
  text(): string
  readonly left: number
}

/** Reads fields from `buffer`, from `offset` on. */
export function readFields(buffer: Buffer, offset = 0): FieldReader {
  let position = offset
  function take(length: number): number {
    const start = position
    if (start + length > buffer.length) throw badMessage('it ends too early')
    position += length
    return start
  }
  function bytes(): Uint8Array {
    const length = buffer.readUInt32BE(take(4))
    const start = take(length)
    return buffer.subarray(start, start + length)
  }
  return {
    uint32: () => buffer.readUInt32BE(take(4)),
    uint64() {
      const high = buffer.readUInt32BE(take(4))
      const low = buffer.readUInt32BE(take(4))
      const value = high * 2 ** 32 + low
      if (!Number.isSafeInteger(value)) {
        throw new StatusError(
          statusCode.failure,
          'Cannot use the offset: it is beyond any file, a smaller one is needed',
        )
      }
      return value
    },
    bytes,
    text() {
      const raw = bytes()
      try {
        return utf8.decode(raw)
      } catch {
        throw new StatusError(
          statusCode.failure,
          'Cannot use the name: it is not UTF-8, a name in UTF-8 is needed',
        )
      }
    },
    get left() {
      return buffer.length - position
    },
  }
}

export type Field = number | bigint | string | Uint8Array

/** A whole packet: numbers become uint32, bigints uint64, texts and bytes strings with their length before them. */
export function packet(type: number, ...fields: Field[]): Buffer {
  let length = 1
  for (const field of fields) {
    if (typeof field === 'number') length += 4
    else if (typeof field === 'bigint') length += 8
    else length += 4 + (typeof field === 'string' ? Buffer.byteLength(field) : field.length)
  }
  const result = Buffer.allocUnsafe(4 + length)
  let position = result.writeUInt32BE(length)
  position = result.writeUInt8(type, position)
  for (const field of fields) {
    if (typeof field === 'number') position = result.writeUInt32BE(field >>> 0, position)
    else if (typeof field === 'bigint') position = result.writeBigUInt64BE(field, position)
    else if (typeof field === 'string') {
      const size = result.write(field, position + 4)
      result.writeUInt32BE(size, position)
      position += 4 + size
    } else {
      position = result.writeUInt32BE(field.length, position)
      result.set(field, position)
      position += field.length
    }
  }
  return result
}

/** SSH_FXP_STATUS. */
export function statusPacket(id: number, code: StatusCode, message: string): Buffer {
  return packet(packetType.status, id, code, message, 'en')
}
