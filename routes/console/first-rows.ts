import { detectDelimiter } from '../../src/domain/dialect.ts'
import { isAppError } from '../../src/domain/error.ts'
import { reportPrefix } from '../../src/domain/format.ts'
import { knownHeaders, matchHeader, plainHeader } from '../../src/domain/header.ts'
import type { ColumnTarget } from '../../src/domain/header.ts'
import type { Run } from '../../src/domain/run.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import type { TenantSettings } from '../../src/domain/tenant.ts'

// A header of 200 columns and some rows; the rest of the file is not looked at.
const headBytes = 64 * 1024

/** The beginning of a file as people look at it. */
export interface FirstRows {
  names: string[]
  /** What each column stands for; null: nothing, it is left out. */
  targets: ColumnTarget[]
  /** Passwords blank. */
  rows: string[][]
}

/** Header and first rows of the run's file; undefined when the file is there no longer. */
export async function readFirstRows(
  files: Pick<FileStore, 'openRead'>,
  run: Run,
  { columnMap }: Pick<TenantSettings, 'columnMap'>,
  limit: number,
): Promise<FirstRows | undefined> {
  const bytes = await readHead(files, run.sourcePath)
  if (bytes === undefined) return undefined
  const text = decode(bytes, run.encoding)
  const { delimiter, offset } = detectDelimiter(text, (name) => knownHeaders.has(plainHeader(name)))
  const [header = [], ...rows] = splitRecords(
    text.slice(offset),
    run.delimiter ?? delimiter,
    limit + 1,
  )
  const { names, columns } = matchHeader(header, { columnMap })
  return {
    names,
    targets: columns,
    rows: rows.map((cells) => cells.map((cell, at) => (columns[at] === 'password' ? '' : cell))),
  }
}

/** The client's own column names, as the failure report has them; empty when it is there no longer. */
export async function readReportHeader(
  files: Pick<FileStore, 'openRead'>,
  run: Pick<Run, 'reportPath' | 'delimiter'>,
): Promise<string[]> {
  const bytes = run.reportPath === null ? undefined : await readHead(files, run.reportPath)
  if (bytes === undefined) return []
  const [header = []] = splitRecords(decode(bytes, 'utf-8'), run.delimiter ?? ',', 1)
  return header.filter((name) => !name.startsWith(reportPrefix))
}

async function readHead(
  files: Pick<FileStore, 'openRead'>,
  path: string,
): Promise<Uint8Array | undefined> {
  try {
    const reader = await files.openRead(path)
    try {
      return await reader.read(0, headBytes)
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (isAppError(error, 'not_found')) return undefined
    throw error
  }
}

function decode(bytes: Uint8Array, encoding: string | null): string {
  // The archived copy without passwords is UTF-8 whatever the file was.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return new TextDecoder(marked ? 'utf-8' : (encoding ?? 'utf-8')).decode(bytes, { stream: true })
}

/** The first `limit` records of `text`, quotes taken off; a record that is cut by the end is left out. */
function splitRecords(text: string, delimiter: string, limit: number): string[][] {
  const records: string[][] = []
  let cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length && records.length < limit; at += 1) {
    const character = text[at] ?? ''
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') {
        cell += character
        at += 1
      } else quoted = false
    } else if (character === '"' && cell === '') quoted = true
    else if (character === delimiter) {
      cells.push(cell)
      cell = ''
    } else if (character === '\n' || character === '\r') {
      if (character === '\r' && text[at + 1] === '\n') at += 1
      if (cells.length > 0 || cell !== '') records.push([...cells, cell])
      cells = []
      cell = ''
    } else cell += character
  }
  // A small file may end without a line end.
  const isWhole = text.length < headBytes / 4 && !quoted && (cells.length > 0 || cell !== '')
  if (isWhole && records.length < limit) records.push([...cells, cell])
  return records
}
