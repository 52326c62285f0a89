import { counted, figure, size } from '../domain/figures.ts'
import type { RowFailure } from '../domain/importer.ts'
import type { FileNotice, RunCounts } from '../domain/run.ts'

const line = (text: string): void => void process.stdout.write(`${text}\n`)

const delimiterNames: Readonly<Record<string, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
  '|': 'vertical bar',
}

/** What was found out about a file. */
export function printFile(
  name: string,
  file: {
    sizeBytes: number
    encoding: string | null
    delimiter: string | null
    columns: readonly string[]
    ignoredColumns: readonly string[]
  },
): void {
  const { encoding, delimiter, columns, ignoredColumns } = file
  const read = [size(file.sizeBytes)]
  if (encoding !== null) read.push(encoding)
  if (delimiter !== null) read.push(`delimiter ${delimiterNames[delimiter] ?? delimiter}`)
  line(`${name}: ${read.join(', ')}`)
  if (columns.length > 0) line(`Columns recognised: ${columns.join(', ')}`)
  if (ignoredColumns.length > 0) {
    line(`Columns ignored: ${ignoredColumns.map((column) => JSON.stringify(column)).join(', ')}`)
  }
}

/** Warnings of a run, and why its file as a whole is refused. */
export function printNotices(notices: readonly FileNotice[], fileReason: FileNotice | null): void {
  for (const { code, sentence } of notices) line(`Warning ${code}: ${sentence}`)
  if (fileReason !== null) line(`${fileReason.code}: ${fileReason.sentence}`)
}

/** What became of the rows, or would. */
export function printCounts(counts: RunCounts, dryRun: boolean): void {
  const { rows, created, updated, unchanged, skipped, failed, deactivated } = counts
  const parts = [
    `${figure(created)} ${dryRun ? 'would be ' : ''}created`,
    `${figure(updated)} ${dryRun ? 'would be ' : ''}updated`,
    `${figure(unchanged)} unchanged`,
    `${figure(skipped)} skipped`,
    `${figure(failed)} ${dryRun ? 'would fail' : 'failed'}`,
  ]
  line(`${counted(rows, 'row')}: ${parts.join(', ')}`)
  if (deactivated > 0) {
    line(`${counted(deactivated, 'user')} ${dryRun ? 'would be ' : ''}deactivated`)
  }
}

/** One failed row: each of its reasons on a line of its own. */
export function printFailure({ line: number, reasons }: RowFailure): void {
  for (const { code, sentence } of reasons) line(`Line ${number}: ${code} ${sentence}`)
}
