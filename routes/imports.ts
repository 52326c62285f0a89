import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import { fileLimits } from '../src/domain/format.ts'
import { isId } from '../src/domain/id.ts'
import type { Importer } from '../src/domain/importer.ts'
import { runSources, runStates } from '../src/domain/run.ts'
import type { Run } from '../src/domain/run.ts'
import type { IdempotencyStore, RunFilter, RunStore, TenantStore } from '../src/domain/state.ts'
import { noTenant, tenantFor } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { createOnce } from './idempotency.ts'
import { listOf, madeUpCursor, page, pageQuery, tenantQuery } from './page.ts'
import type { Spent } from './multipart.ts'
import { runJson, runSchema, runText } from './run-json.ts'
import { openUpload, uploadTypes } from './upload.ts'

export interface ImportsOptions {
  runs: RunStore
  tenants: Pick<TenantStore, 'get'>
  keys: IdempotencyStore
  importer: Pick<Importer, 'submit' | 'isFileOf'>
  clock: Clock
  /** Bytes of a file by HTTP; default: as for every door. */
  maxBytes?: number
  /** True once the service stops: it takes no more files. */
  isStopping?: () => boolean
  onSpent?: Spent
}

const flag = z.enum(['true', 'false']).transform((word) => word === 'true')

const submitQuery = z.strictObject({
  ...tenantQuery,
  filename: z.string().optional().meta({
    description: 'Name of the file, ending in .csv, .txt or .tsv; default: that of the form',
  }),
  dryRun: flag.default(false).meta({ description: 'Check only; nothing is changed' }),
  mode: z.enum(['delta', 'full']).optional().meta({
    description: '`full`: users that the file lacks are set inactive; default: the setting',
  }),
})

const listQuery = z.strictObject({
  ...tenantQuery,
  state: z.enum(runStates).optional(),
  source: z.enum(runSources).optional(),
  filename: z.string().max(255).optional().meta({ description: 'A part of the name, any case' }),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  ...pageQuery,
})

/** `/imports`: files that come by HTTP, and the list of runs. */
export function imports(options: ImportsOptions): Endpoint[] {
  const { runs, tenants, importer, maxBytes = fileLimits.maxBytes } = options
  const once = createOnce(options)

  return [
    endpoint(
      'POST /imports',
      {
        summary: 'Import a CSV; the body streams, and 202 means that it is stored durably',
        query: submitQuery,
        takes: uploadTypes,
        headers: ['Idempotency-Key'],
        answers: {
          202: { description: 'Queued; Location is the place of the run', schema: runSchema },
        },
        problems: [404, 409, 413, 415, 503, 507],
        example: {
          query: { filename: 'users.csv', dryRun: 'true' },
          text: { type: 'text/csv', body: 'UserUUID,email\nS0001,ada@maple.example\n' },
          status: 202,
        },
      },
      async ({ context, caller, query }) => {
        if (options.isStopping?.() === true) {
          throw new AppError('unavailable', 'Cannot import now: the service stops, try again soon')
        }
        const tenantId = tenantFor(caller, query.tenant)
        if ((await tenants.get(tenantId)) === undefined) throw noTenant(tenantId)
        const request = context.req.raw
        const upload = await openUpload(request, {
          filename: query.filename,
          maxBytes,
          onSpent: options.onSpent,
        })
        const use = {
          tenantId,
          key: context.req.header('idempotency-key'),
          fingerprint: JSON.stringify([upload.filename, query.dryRun, query.mode]),
          isSame: (run: Run) => importer.isFileOf(run, upload.bytes),
        }
        try {
          const { run, replayed } = await once(use, (runId) =>
            importer.submit({
              runId,
              tenantId,
              filename: upload.filename,
              source: 'http',
              actor: caller.name,
              dryRun: query.dryRun,
              ...(query.mode === undefined ? {} : { mode: query.mode }),
              body: upload.bytes,
              maxBytes,
            }),
          )
          if (replayed) context.header('idempotent-replayed', 'true')
          context.header('location', `/imports/${run.id}`)
          return context.json(runJson(run), 202)
        } finally {
          await upload.bytes.return(undefined)
        }
      },
    ),

    endpoint(
      'GET /imports',
      {
        summary: 'Runs, newest first',
        query: listQuery,
        answers: { 200: { description: 'One page of runs', schema: listOf(runSchema, 'RunList') } },
        example: { query: { limit: '5', state: 'completed' }, status: 200 },
        repeats: true,
      },
      async ({ context, caller, query }) => {
        const filter: RunFilter = { limit: query.limit + 1 }
        const tenantId =
          caller.scope === 'operator' ? query.tenant : tenantFor(caller, query.tenant)
        if (tenantId !== undefined) filter.tenantId = tenantId
        if (query.state !== undefined) filter.states = [query.state]
        if (query.source !== undefined) filter.source = query.source
        if (query.filename !== undefined) filter.filename = query.filename
        if (query.since !== undefined) filter.since = Date.parse(query.since)
        if (query.until !== undefined) filter.until = Date.parse(query.until)
        if (query.cursor !== undefined) {
          if (!isId('run', query.cursor)) throw madeUpCursor()
          filter.before = query.cursor
        }
        const found = await runs.list(filter)
        return page(context, found, {
          limit: query.limit,
          show: runText,
          cursorOf: ({ id }) => id,
        })
      },
    ),
  ]
}
