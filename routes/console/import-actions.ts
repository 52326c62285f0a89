import { AppError } from '../../src/domain/error.ts'
import type { Importer } from '../../src/domain/importer.ts'
import type { Run } from '../../src/domain/run.ts'
import type { RunStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { findRun } from '../run-json.ts'
import { runOperations } from '../run-operations.ts'
import type { RunOperationsOptions } from '../run-operations.ts'
import { sendCsv } from '../send-file.ts'
import { readForm } from './form.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Visit } from './page.ts'

const readBytes = 256 * 1024
const longestNote = 500

/** What the buttons of an import do, and its downloads. */
export function importActions(
  options: RunOperationsOptions & {
    runs: RunStore
    importer: Importer
    files: Pick<FileStore, 'openRead'>
    maxBytes: number
  },
): ConsolePage[] {
  const { runs, importer, files, maxBytes } = options
  const operations = runOperations(options)
  const idOf = (visit: Visit): string => visit.param('id')
  const pathOf = (id: string): string => `/console/imports/${id}`

  async function noteOf(visit: Visit): Promise<string | undefined> {
    const note = ((await readForm(visit.context)).get('note') ?? '').trim().slice(0, longestNote)
    return note === '' ? undefined : note
  }

  return [
    page('POST /console/imports/:id/approve', async (visit) => {
      await operations.approve(visit.caller, idOf(visit), await noteOf(visit))
      return done(visit, pathOf(idOf(visit)), 'approved')
    }),
    page('POST /console/imports/:id/reject', async (visit) => {
      await operations.reject(visit.caller, idOf(visit), await noteOf(visit))
      return done(visit, pathOf(idOf(visit)), 'rejected')
    }),
    page('POST /console/imports/:id/cancel', async (visit) => {
      await operations.cancel(visit.caller, idOf(visit), await noteOf(visit))
      return done(visit, pathOf(idOf(visit)), 'cancelled')
    }),
    page('POST /console/imports/:id/revert', async (visit) => {
      await operations.revert(visit.caller, idOf(visit), await noteOf(visit))
      return done(visit, pathOf(idOf(visit)), 'reverted')
    }),
    page('POST /console/imports/:id/retry', async (visit) => {
      const force = (await readForm(visit.context)).get('force') === 'true'
      const run = await operations.retry(visit.caller, idOf(visit), force)
      return done(visit, pathOf(run.id), 'retried')
    }),

    page('POST /console/imports/:id/import', async (visit) => {
      const checked = await findRun(runs, visit.caller, idOf(visit))
      requireImportable(checked)
      const run = await importer.submit({
        tenantId: checked.tenantId,
        filename: checked.filename,
        source: 'console',
        actor: visit.caller.name,
        mode: checked.mode,
        body: bytesOf(files, checked.sourcePath),
        maxBytes,
      })
      return done(visit, pathOf(run.id), 'imported')
    }),

    page('GET /console/imports/:id/failures.csv', async (visit) => {
      const { reportPath } = await findRun(runs, visit.caller, idOf(visit))
      if (reportPath === null) {
        throw new AppError('not_found', 'There is no report: no row of this import has failed')
      }
      return sendCsv(visit.context, files, reportPath)
    }),
    page('GET /console/imports/:id/source.csv', async (visit) => {
      const { archivedAt, sourcePath } = await findRun(runs, visit.caller, idOf(visit))
      if (archivedAt === null) {
        throw new AppError(
          'not_found',
          'The file is not archived yet: wait for the end of the import',
        )
      }
      return sendCsv(visit.context, files, sourcePath)
    }),
  ]
}

function requireImportable(run: Run): void {
  const problem = !run.dryRun
    ? 'it was no check'
    : run.archivedAt === null
      ? 'its check has not ended, wait for it'
      : run.columns.includes('password')
        ? 'it has passwords, which are never kept, choose the file again'
        : undefined
  if (problem !== undefined) throw new AppError('conflict', `Cannot import the file: ${problem}`)
}

async function* bytesOf(
  files: Pick<FileStore, 'openRead'>,
  path: string,
): AsyncGenerator<Uint8Array> {
  const reader = await files.openRead(path)
  try {
    for (let position = 0; ;) {
      const bytes = await reader.read(position, readBytes)
      if (bytes.length === 0) return
      position += bytes.length
      yield bytes
    }
  } finally {
    await reader.close()
  }
}
