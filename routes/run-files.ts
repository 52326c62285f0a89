import { z } from 'zod'
import { AppError } from '../src/domain/error.ts'
import type { Importer } from '../src/domain/importer.ts'
import type { RunStore } from '../src/domain/state.ts'
import type { FileStore } from '../src/domain/storage.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { listOf, numberCursor, page, pageQuery } from './page.ts'
import { findRun } from './run-json.ts'
import { sendCsv } from './send-file.ts'

const failureSchema = z
  .strictObject({
    line: z.number().int().meta({ description: 'First line of the record, from 1' }),
    reasons: z.array(
      z.strictObject({
        code: z.number().int(),
        field: z.string().nullable().meta({ description: 'Header of the cell, as in the file' }),
        sentence: z.string(),
      }),
    ),
    cells: z.array(z.string()).meta({ description: 'As in the file; passwords blank' }),
    raw: z.string().nullable().meta({ description: 'The record when it could not be split' }),
  })
  .meta({ id: 'Failure' })

const failuresQuery = z.strictObject({
  code: z.coerce.number().int().min(9000).max(9999).optional().meta({
    description: 'Only rows with this reason',
  }),
  ...pageQuery,
})

const csv = { type: 'text/csv' } as const

/** What a run leaves behind: failed rows, their report, and the archived file. */
export function runFiles(options: {
  runs: Pick<RunStore, 'get'>
  importer: Pick<Importer, 'failures'>
  files: Pick<FileStore, 'openRead'>
}): Endpoint[] {
  const { runs, importer, files } = options

  return [
    endpoint(
      'GET /imports/:id/failures',
      {
        summary: 'Failed rows with all their reasons, in the order of the file',
        query: failuresQuery,
        answers: { 200: { description: 'One page', schema: listOf(failureSchema, 'FailureList') } },
        problems: [404],
        example: { query: { limit: '5' }, status: 200 },
      },
      async ({ context, caller, query }) => {
        const run = await findRun(runs, caller, context.req.param('id') ?? '')
        const after = numberCursor(query.cursor)
        const found = await importer.failures(run, {
          limit: query.limit + 1,
          ...(after === undefined ? {} : { after }),
          ...(query.code === undefined ? {} : { code: query.code }),
        })
        return page(context, found, {
          limit: query.limit,
          show: ({ line, reasons, cells, raw }) => ({ line, reasons, cells, raw }),
          cursorOf: ({ line }) => String(line),
        })
      },
    ),

    endpoint(
      'GET /imports/:id/failures.csv',
      {
        summary: 'The failure report: correct it and drop it again',
        answers: { 200: { description: 'The report', ...csv } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller }) => {
        const run = await findRun(runs, caller, context.req.param('id') ?? '')
        if (run.reportPath === null) {
          throw new AppError(
            'not_found',
            'Cannot send a failure report: no row of this import failed, or it has not ended yet',
          )
        }
        return sendCsv(context, files, run.reportPath)
      },
    ),

    endpoint(
      'GET /imports/:id/source.csv',
      {
        summary: 'The archived file as the client sent it, passwords blank',
        answers: { 200: { description: 'The file', ...csv } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller }) => {
        const run = await findRun(runs, caller, context.req.param('id') ?? '')
        if (run.archivedAt === null) {
          throw new AppError(
            'not_found',
            'Cannot send the file: it is not archived yet, wait for the end of the import',
          )
        }
        return sendCsv(context, files, run.sourcePath)
      },
    ),
  ]
}
