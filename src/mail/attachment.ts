import { AppError } from '../domain/error.ts'
import type { FileReader, FileStore } from '../domain/storage.ts'

/** Bytes of report in one mail: mail servers commonly take 25 MB, and base64 adds a third. */
export const maxAttachedBytes = 10_000_000
/** Rows of one report in a mail: more than this nobody corrects by hand in a mail's attachment. */
export const maxAttachedRows = 20_000

const chunkBytes = 64 * 1024
const quote = 0x22
const lineFeed = 0x0a

/** The first part of a failure report that fits, ending with a whole row. */
export interface ReportPart {
  bytes: number
  /** Without the header. */
  rows: number
  /** Whether this is all of it. */
  whole: boolean
}

/** The bytes of `reader` from the start up to `length`, read as they are asked for. */
export async function* bytesOf(reader: FileReader, length: number): AsyncGenerator<Uint8Array> {
  let position = 0
  while (position < length) {
    const chunk = await reader.read(position, Math.min(chunkBytes, length - position))
    if (chunk.length === 0) return
    position += chunk.length
    yield chunk
  }
}

/** Measures how much of a report of quoted cells (file-format.md section 6) is within both limits. */
export async function firstPart(
  reader: FileReader,
  limits: { maxBytes: number; maxRows: number },
): Promise<ReportPart> {
  const part: ReportPart = { bytes: 0, rows: 0, whole: false }
  let quoted = false
  let records = 0
  let position = 0
  for await (const chunk of bytesOf(reader, Math.min(reader.size, limits.maxBytes))) {
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i]
      if (byte === quote) quoted = !quoted
      else if (byte === lineFeed && !quoted) {
        records += 1
        part.bytes = position + i + 1
        part.rows = records - 1
        if (part.rows === limits.maxRows) return { ...part, whole: part.bytes === reader.size }
      }
    }
    position += chunk.length
  }
  return { ...part, whole: part.bytes === reader.size }
}

/** Opens the report at `path`; undefined when it is there no longer. */
export async function openReport(files: FileStore, path: string): Promise<FileReader | undefined> {
  try {
    return await files.openRead(path)
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}
