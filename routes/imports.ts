import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import { isId } from '../src/domain/id.ts'
import type { Importer } from '../src/domain/importer.ts'
import { baseName, nameKind } from '../src/domain/layout.ts'
import { runSources, runStates } from '../src/domain/run.ts'
import type { Run } from '../src/domain/run.ts'
import type { RunFilter, RunStore, TokenStore } from '../src/domain/state.ts'
import type { FileReader, FileStore } from '../src/domain/storage.ts'
import { authorise } from './auth.ts'
import type { AuthorisedRoute, Signed } from './auth.ts'
import { runJson } from './run-json.ts'

export interface ImportsOptions {
  runs: RunStore
  tokens: TokenStore
  importer: Pick<Importer, 'submit' | 'cancel' | 'failures'>
  files: Pick<FileStore, 'openRead'>
  clock: Clock
  /** Bytes of a file by HTTP; the importer takes no larger one. */
  maxBytes?: number
}

const pageLimit = { fallback: 50, most: 200 }
const readBytes = 256 * 1024

/** `/imports`: the runs, and files that come by HTTP. */
export function imports(options: ImportsOptions): Hono<Signed> {
  const { runs, importer, files, maxBytes = 2 ** 30 } = options
  const app = new Hono<Signed>()
  const may = (route: AuthorisedRoute) => authorise(options, route)

  /** The run of the path; one of another client is as unknown as one that never was. */
  async function runOf(context: Context<Signed>): Promise<Run> {
    const id = context.req.param('id') ?? ''
    const run = isId('run', id) ? await runs.get(id) : undefined
    const { tenantId } = context.get('token')
    if (run === undefined || (tenantId !== null && run.tenantId !== tenantId)) {
      throw new AppError('not_found', `Cannot find the import "${id}": there is none of this id`)
    }
    return run
  }

  app.get('/imports', may('GET /imports'), async (context) => {
    const filter = filterOf(context.req.query())
    const { tenantId } = context.get('token')
    const wanted = tenantId ?? context.req.query('tenant')
    const found = await runs.list({
      ...filter,
      ...(wanted === undefined ? {} : { tenantId: wanted }),
      limit: filter.limit + 1,
    })
    const page = found.slice(0, filter.limit)
    const nextCursor = found.length > page.length ? (page.at(-1)?.id ?? null) : null
    if (nextCursor !== null) {
      const next = new URL(context.req.url)
      next.searchParams.set('cursor', nextCursor)
      context.header('link', `<${next.pathname}${next.search}>; rel="next"`)
    }
    return context.json({ data: page.map(runJson), nextCursor })
  })

  app.post('/imports', may('POST /imports'), async (context) => {
    const type = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== 'text/csv') {
      throw new AppError(
        'unsupported',
        `Cannot take the body: its type is "${type ?? ''}", Content-Type: text/csv is needed`,
      )
    }
    const body = context.req.raw.body
    if (body === null) throw new AppError('invalid', 'Cannot import: the body is empty')
    const filename = context.req.query('filename') ?? 'upload.csv'
    if (nameKind(filename) !== 'taken' || /[/\0]/.test(filename) || filename.length > 200) {
      throw new AppError(
        'invalid',
        `Cannot take the file name "${filename.slice(0, 60)}": a plain name ending in .csv, .txt or .tsv is needed`,
      )
    }
    const mode = context.req.query('mode')
    if (mode !== undefined && mode !== 'delta' && mode !== 'full') {
      throw new AppError('invalid', `Cannot use the mode "${mode}": delta or full is needed`)
    }
    const token = context.get('token')
    if (token.tenantId === null) throw new Error('A token of scope tenant has no tenant')
    const run = await importer.submit({
      tenantId: token.tenantId,
      filename,
      source: 'http',
      actor: token.name,
      dryRun: context.req.query('dryRun') === 'true',
      ...(mode === undefined ? {} : { mode }),
      body: chunksOf(body),
      maxBytes,
    })
    context.header('location', `/imports/${run.id}`)
    return context.json(runJson(run), 202)
  })

  app.get('/imports/:id', may('GET /imports/:id'), async (context) => {
    const run = await runOf(context)
    const etag = `"${run.version}"`
    context.header('etag', etag)
    if (context.req.header('if-none-match') === etag) return context.body(null, 304)
    return context.json(runJson(run))
  })

  app.get('/imports/:id/failures', may('GET /imports/:id/failures'), async (context) => {
    const run = await runOf(context)
    const limit = limitOf(context.req.query('limit'))
    const [after, code] = [context.req.query('cursor'), context.req.query('code')].map((text) =>
      text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined,
    )
    const found = await importer.failures(run, {
      limit: limit + 1,
      ...(after === undefined ? {} : { after }),
      ...(code === undefined ? {} : { code }),
    })
    const data = found.slice(0, limit)
    const nextCursor = found.length > limit ? String(data.at(-1)?.line) : null
    return context.json({ data, nextCursor })
  })

  app.get('/imports/:id/failures.csv', may('GET /imports/:id/failures.csv'), async (context) => {
    const run = await runOf(context)
    if (run.reportPath === null) {
      throw new AppError('not_found', 'Cannot send a failure report: no row of this import failed')
    }
    const reader = await files.openRead(run.reportPath)
    return context.body(streamOf(reader), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-length': String(reader.size),
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(baseName(run.reportPath))}`,
    })
  })

  app.post('/imports/:id/cancel', may('POST /imports/:id/cancel'), async (context) => {
    const run = await runOf(context)
    return context.json(runJson(await importer.cancel(run.id)), 202)
  })

  return app
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return pageLimit.fallback
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageLimit.most) return limit
  throw new AppError(
    'invalid',
    `Cannot use the limit "${text.slice(0, 20)}": a whole number from 1 to ${pageLimit.most} is needed`,
  )
}

/** The filter that a query asks for; a word that is none is refused with the list of the words. */
function filterOf(query: Record<string, string>): RunFilter {
  const { state, source, filename, since, until, cursor, limit } = query
  const filter: RunFilter = { limit: limitOf(limit) }
  if (state !== undefined) filter.states = [wordOf('state', state, runStates)]
  if (source !== undefined) filter.source = wordOf('source', source, runSources)
  if (filename !== undefined) filter.filename = filename
  if (since !== undefined) filter.since = timeOf('since', since)
  if (until !== undefined) filter.until = timeOf('until', until)
  if (cursor !== undefined) {
    if (!isId('run', cursor)) {
      throw new AppError('invalid', 'Cannot use the cursor: take it from nextCursor as it is')
    }
    filter.before = cursor
  }
  return filter
}

function wordOf<const T extends string>(name: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text)
  if (found !== undefined) return found
  throw new AppError(
    'invalid',
    `Cannot filter by the ${name} "${text.slice(0, 40)}": one of ${words.join(', ')} is needed`,
  )
}

function timeOf(name: string, text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new AppError(
    'invalid',
    `Cannot use ${name} "${text.slice(0, 40)}": a time such as 2026-01-31T08:00:00Z is needed`,
  )
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function streamOf(reader: FileReader): ReadableStream<Uint8Array> {
  let position = 0
  return new ReadableStream({
    async pull(controller) {
      const bytes = await reader.read(position, readBytes)
      position += bytes.length
      if (bytes.length > 0) return controller.enqueue(bytes)
      await reader.close()
      controller.close()
    },
    cancel: () => reader.close(),
  })
}
