import { detectDelimiter, splitFirstRecord } from '../domain/dialect.ts'
import { detectEncoding } from '../domain/encoding.ts'
import type { Encoding } from '../domain/encoding.ts'
import { fileLimits } from '../domain/format.ts'
import { headerMatcher, matchHeader } from '../domain/header.ts'
import type { HeaderMatch } from '../domain/header.ts'
import { detectNotCsv } from '../domain/not-csv.ts'
import { fileNotice } from '../domain/reason.ts'
import type { FileNotice } from '../domain/run.ts'
import type { FileReader, FileStore } from '../domain/storage.ts'
import type { TenantSettings } from '../domain/tenant.ts'
import { FileRefused } from './job.ts'
import { parseRecord } from './odd-record.ts'
import { createRecords } from './records.ts'
import { readAsUtf8, survey } from './survey.ts'

const sampleBytes = 64 * 1024
const chunkBytes = 1024 * 1024
/** What helps where a file is too large. */
export const splitIt = 'split it and drop the parts'

/** A file whose bytes are known well enough to split and decode its records. */
export interface Source {
  /** UTF-8 or Windows-1252; UTF-16 has been written anew as UTF-8. */
  file: FileReader
  encoding: Encoding
  delimiter: string
  sha256: string
  sizeBytes: number
  header: HeaderMatch
  /** Where the first record after the header begins. */
  position: number
  line: number
  notices: FileNotice[]
  readonly decode: (buffer: Buffer, start: number, end: number) => string
  close(): Promise<void>
}

export interface SourceOptions {
  files: FileStore
  path: string
  filename: string
  settings: Pick<TenantSettings, 'columnMap'>
  previousFields: readonly string[]
  /**
   * What is known of the bytes already, which are then not read for it alone. Without an encoding a file that
   * looks like UTF-8 is taken as such, and to read it throws NotUtf8 where it is none.
   */
  known?: { sha256: string; encoding: Encoding | null } | undefined
  /** Also a file whose header or size forbids its import: for a copy of it. */
  lenient?: boolean
}

/** Opens a file to import; throws FileRefused when it is none. */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { files, path, filename, known, lenient = false } = options
  const original = await files.openRead(path)
  let file = original
  let asUtf8: FileReader | undefined
  const close = async (): Promise<void> => {
    await original.close()
    if (asUtf8 === undefined) return
    await asUtf8.close()
    await files.remove(utf8Path(path))
  }
  try {
    if (original.size > fileLimits.maxBytes && !lenient) {
      const what = `${original.size} bytes`
      throw new FileRefused(fileNotice(9108, { what, limit: '1 GiB', remedy: splitIt }))
    }
    const sample = await readAll(original, Math.min(original.size, sampleBytes))
    if (sample.length === 0) throw new FileRefused(fileNotice(9100, { what: 'is empty' }))
    const what = detectNotCsv(sample)
    if (what !== null) throw new FileRefused(fileNotice(9109, { name: filename, what }))
    const detected = detectEncoding(sample, { whole: sample.length === original.size })
    const notices: FileNotice[] = []
    let encoding = known?.encoding ?? detected.encoding
    let begin: number = detected.bomBytes
    // What begins as UTF-8 may have another character far behind.
    const open = encoding === 'utf-8' && begin === 0
    const seen = known ?? (await survey(original))
    if (open && 'utf8' in seen && !seen.utf8) encoding = 'windows-1252'
    if (open && known?.encoding === null) file = readAsUtf8(original)
    if (encoding === 'utf-16le' || encoding === 'utf-16be') {
      asUtf8 = await transcoded(files, original, utf8Path(path), encoding, begin)
      file = asUtf8
      begin = 0
    }
    if (encoding === 'windows-1252') notices.push(fileNotice(9101, {}))
    const head = await readHead({ ...options, file, begin, encoding })
    notices.push(...head.header.warnings)
    return {
      ...head,
      file,
      encoding,
      sha256: seen.sha256,
      sizeBytes: original.size,
      notices,
      decode: decoderOf(encoding),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where a file in UTF-16 is while it is read, in UTF-8. */
function utf8Path(path: string): string {
  return `${path}.utf8`
}

/** Up to `length` bytes from the start. */
async function readAll(file: FileReader, length: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let done = 0
  while (done < length) {
    const part = await file.read(done, length - done)
    if (part.length === 0) break
    parts.push(part)
    done += part.length
  }
  return Buffer.concat(parts)
}

/** The file as UTF-8, made beside it; the same bytes each time it is made. */
async function transcoded(
  files: FileStore,
  original: FileReader,
  path: string,
  encoding: Encoding,
  begin: number,
): Promise<FileReader> {
  const decoder = new TextDecoder(encoding)
  const staged = await files.openWrite(path)
  try {
    for (let position = begin; position < original.size;) {
      const chunk = await original.read(position, chunkBytes)
      if (chunk.length === 0) break
      position += chunk.length
      await staged.write(staged.size, Buffer.from(decoder.decode(chunk, { stream: true })))
    }
    await staged.write(staged.size, Buffer.from(decoder.decode()))
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
  return files.openRead(path)
}

function decoderOf(encoding: Encoding): Source['decode'] {
  if (encoding !== 'windows-1252')
    return (buffer, start, end) => buffer.toString('utf8', start, end)
  const decoder = new TextDecoder('windows-1252')
  return (buffer, start, end) => decoder.decode(buffer.subarray(start, end))
}

async function readHead({
  file,
  begin,
  encoding,
  settings,
  previousFields,
  lenient = false,
}: SourceOptions & { file: FileReader; begin: number; encoding: Encoding }) {
  const isKnown = headerMatcher(settings.columnMap)
  const decode = decoderOf(encoding)
  const sample = (await readAll(file, begin + sampleBytes)).subarray(begin)
  const text = decode(sample, 0, sample.length)
  const { delimiter, offset, lines } = detectDelimiter(text, (name) => isKnown(name) !== null)
  const before = text.slice(0, offset)
  const position = begin + (encoding === 'windows-1252' ? offset : Buffer.byteLength(before))
  const records = createRecords({
    file,
    position,
    line: lines + 1,
  })
  while (!records.next()) {
    if (!(await records.fill())) {
      throw new FileRefused(fileNotice(9100, { what: 'is empty' }))
    }
  }
  if (records.tooLong && !lenient) {
    const what = 'a header row of more than 64 KiB'
    const remedy = 'leave out the columns that are not needed and drop the file again'
    throw new FileRefused(fileNotice(9108, { what, limit: '64 KiB in a row', remedy }))
  }
  const line = decode(records.buffer, records.start, records.end)
  const cells = parseRecord(line, delimiter)
  if (!Array.isArray(cells)) records.keepFirstLine()
  const header = matchHeader(Array.isArray(cells) ? cells : splitFirstRecord(line, delimiter), {
    columnMap: settings.columnMap,
    previousFields,
  })
  const [reason] = header.reasons
  if (reason !== undefined && !lenient) throw new FileRefused(reason)
  return { delimiter, header, position: records.nextPosition(), line: records.nextLine() }
}
