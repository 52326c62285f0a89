import { fileLimits } from '../domain/format.ts'
import { archivePath } from '../domain/layout.ts'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import { createRecords } from './records.ts'
import type { Source } from './source.ts'
import { readRecord } from './walk.ts'

const writeBytes = 256 * 1024

/** Puts a copy of the file into `bak/` in which the password column is blank (file-format.md section 6). */
export async function archiveWithoutPasswords(
  run: Run,
  source: Source,
  files: FileStore,
): Promise<void> {
  const { header, delimiter } = source
  const passwords = [...header.columns.keys()].filter((at) => header.columns[at] === 'password')
  const records = createRecords({
    file: source.file,
    position: source.position,
    line: source.line,
    maxRecordBytes: fileLimits.maxRecordBytes,
  })
  const written = (cells: readonly string[]): string =>
    `${cells.map((cell) => (/["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(delimiter)}\r\n`
  const staged = await files.openWrite(archivePath(run, false))
  let text = `\ufeff${written(header.names)}`
  try {
    for (;;) {
      if (!records.next()) {
        if (!(await records.fill())) break
        continue
      }
      const { cells, fault } = readRecord(records, source)
      if (fault === null) {
        text += written(cells.map((cell, at) => (passwords.includes(at) ? '' : cell)))
      } else {
        // Where a password in it begins and ends cannot be told.
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
