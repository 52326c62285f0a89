import { isBlankRecord } from '../domain/cell.ts'
import { sepLine } from '../domain/dialect.ts'
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
  const width = header.names.length
  const passwords = [...header.columns.keys()].filter((at) => header.columns[at] === 'password')
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
