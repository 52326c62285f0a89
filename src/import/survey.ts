import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { FileReader } from '../domain/storage.ts'

const chunkBytes = 1024 * 1024

/** A file that was read as UTF-8 and is none: it is to be read anew as Windows-1252. */
export class NotUtf8 extends Error {
  constructor() {
    super('The file is not UTF-8')
    this.name = 'NotUtf8'
  }
}

/** Whether pieces of a file that follow each other are UTF-8, though a character may go over the end of one. */
function utf8Pieces() {
  let carried: Uint8Array = new Uint8Array(0)
  return (piece: Uint8Array, last: boolean): boolean => {
    const bytes = carried.length === 0 ? piece : Buffer.concat([carried, piece])
    const whole = last ? bytes.length : lastWholeCharacter(bytes)
    // A copy: the memory of the piece may be used for the next one.
    carried = bytes.slice(whole)
    return isUtf8(bytes.subarray(0, whole))
  }
}

/** Where the last character begins when it may go on in the next piece, else the end. */
function lastWholeCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes.length
    if (byte >= 0xc0) return bytes.length - back
  }
  return bytes.length
}

/** One reading of the whole file: its digest, and whether all of it is UTF-8. */
export async function survey(file: FileReader): Promise<{ sha256: string; utf8: boolean }> {
  const digest = createHash('sha256')
  const isPiece = utf8Pieces()
  const room = new Uint8Array(chunkBytes)
  let utf8 = true
  for (let position = 0; position < file.size;) {
    const chunk = await file.read(position, chunkBytes, room)
    if (chunk.length === 0) break
    position += chunk.length
    digest.update(chunk)
    utf8 = utf8 && isPiece(chunk, position >= file.size)
  }
  return { sha256: digest.digest('hex'), utf8 }
}

/** The same file; a reading to its end throws NotUtf8 where it is none. */
export function readAsUtf8(file: FileReader): FileReader {
  const isPiece = utf8Pieces()
  let checked = 0
  return {
    ...file,
    async read(position, length, room) {
      const chunk = await file.read(position, length, room)
      const end = position + chunk.length
      if (position <= checked && end > checked) {
        const good = isPiece(chunk.subarray(checked - position), end >= file.size)
        checked = end
        if (!good) throw new NotUtf8()
      }
      return chunk
    },
  }
}
