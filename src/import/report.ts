import type { Directory } from '../domain/directory.ts'
import type { HeaderMatch } from '../domain/header.ts'
import { reportPath } from '../domain/layout.ts'
import { createReport, ownHeaders } from '../domain/report.ts'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'

const rowsAtOnce = 1000

/** Writes the failure report of a run from its kept failures; the same bytes each time. Returns its path. */
export async function writeReport(options: {
  run: Run
  header: HeaderMatch
  delimiter: string
  directory: Directory
  files: FileStore
}): Promise<string> {
  const { run, header, delimiter, directory, files } = options
  const withRaw = await directory.hasRawFailures(run.id)
  const report = createReport({ headers: ownHeaders(header), delimiter, withRaw })
  const path = reportPath(run)
  const staged = await files.openWrite(path)
  try {
    await staged.write(0, Buffer.from(report.head()))
    let after = 0
    for (;;) {
      const failures = await directory.failures(run.id, { after, limit: rowsAtOnce })
      if (failures.length === 0) break
      await staged.write(staged.size, Buffer.from(failures.map((row) => report.row(row)).join('')))
      after = failures.at(-1)?.line ?? after
    }
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
  return path
}
