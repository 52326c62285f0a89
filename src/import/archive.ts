import { isBlankRecord } from '../domain/cell.ts'
import { sepLine } from '../domain/dialect.ts'
import { noteOpening } from '../domain/not-csv.ts'
import type { FileStore } from '../domain/storage.ts'
import { createRecords } from './records.ts'
import type { Source } from './source.ts'
import { readRecord } from './walk.ts'

const writeBytes = 256 * 1024
const lineEnd = '\r\n'

/** Writes a copy of the file to `path` in which the password columns are blank (file-format.md section 6). */
export async function archiveWithoutPasswords(
  path: string,
  source: Source,
  files: FileStore,
): Promise<void> {
  const { header, delimiter } = source
  const { passwords } = header
  const width = header.names.length
  const records = createRecords({
    file: source.file,
    position: source.position,
    line: source.line,
  })
  const written = (cells: readonly string[]): string =>
    `${cells.map((cell) => (/["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(delimiter)}${lineEnd}`
  const staged = await files.openWrite(path)
  let text = `\ufeff${sepLine(delimiter)}${written(header.names)}`
  try {
    for (;;) {
      if (!records.next()) {
        if (!(await records.fill())) break
        continue
      }
      const { cells, fault } = readRecord(records, source)
      if (fault === null && isBlankRecord(cells)) {
        text += lineEnd
      } else if (fault === null && cells.length >= width && isBlankRecord(cells.slice(width))) {
        text += written(cells.map((cell, at) => (passwords.includes(at) ? '' : cell)))
      } else {
        // Where a password in it begins and ends, or in which cell it is, cannot be told.
        text += written(['(not shown: the file has a password column)'])
      }
      if (text.length < writeBytes) continue
      await staged.write(staged.size, Buffer.from(text))
      text = ''
    }
    await staged.write(staged.size, Buffer.from(text))
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
}

/**
 * Writes a note to `path` in place of a file whose columns are not known: what in it is a password cannot be told.
 * It begins with what `not-csv.ts` knows it by, so that nobody imports it.
 */
export async function archiveNote(
  path: string,
  { filename, sizeBytes, sha256 }: { filename: string; sizeBytes: number; sha256: string | null },
  files: FileStore,
): Promise<void> {
  const digest = sha256 === null ? '' : `, SHA-256 ${sha256}`
  const staged = await files.openWrite(path)
  try {
    const text = `${noteOpening} ${JSON.stringify(filename)}, ${sizeBytes} bytes${digest}. Its columns are not known, and passwords in them are not to be kept. Correct the file and drop it again.${lineEnd}`
    await staged.write(0, Buffer.from(text))
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
}
