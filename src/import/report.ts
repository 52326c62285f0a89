import type { Directory } from '../domain/directory.ts'
import type { HeaderMatch } from '../domain/header.ts'
import { reportPath } from '../domain/layout.ts'
import { createReport, ownHeaders } from '../domain/report.ts'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'

// A row has 64 KiB at most: 16 MiB of a page, in a file that has nothing but such rows.
const rowsAtOnce = 250
const writtenAtOnce = 512 * 1024

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
    let text = report.head()
    const pageAfter = (after: number) => directory.failures(run.id, { after, limit: rowsAtOnce })
    for (let page = await pageAfter(0); page.length > 0;) {
      // Read while this one is written.
      const next = pageAfter(page.at(-1)?.line ?? 0)
      next.catch(() => undefined)
      // What asks for it is sent in a turn of its own.
      await Promise.resolve()
      text += page.map((row) => report.row(row)).join('')
      if (text.length >= writtenAtOnce) {
        await staged.write(staged.size, Buffer.from(text))
        text = ''
      }
      page = await next
    }
    await staged.write(staged.size, Buffer.from(text))
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
  return path
}
