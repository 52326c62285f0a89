import { createReadStream, openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { systemClock } from '../clock.ts'
import { dataPaths, readConfig, storeSettings } from '../config.ts'
import type { Config } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import type { Database } from '../db/opened.ts'
import { AppError, isAppError } from '../domain/error.ts'
import { fileLimits } from '../domain/format.ts'
import { newId } from '../domain/id.ts'
import type { Importer } from '../domain/importer.ts'
import { activeStates } from '../domain/run.ts'
import type { Run } from '../domain/run.ts'
import type { Tenant } from '../domain/tenant.ts'
import { fileSize } from '../given-file.ts'
import { createImporter } from '../import/importer.ts'
import { createLog } from '../observe/log.ts'
import { newToken } from '../secret.ts'
import { findTenant } from '../state.ts'
import { UsageError } from '../usage.ts'
import { createWorkers } from '../workers.ts'
import { openFileStore } from '../../storage/index.ts'
import { printCounts, printFailure, printFile, printNotices } from './import-print.ts'

const tokenMs = 24 * 3_600_000
const pollMs = 200
const failuresAtOnce = 1000

interface Wanted {
  path: string
  dryRun: boolean
  full: boolean
}

/** `rosterdrop import run`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      tenant: { type: 'string' },
      full: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const [path, ...rest] = positionals
  if (path === undefined || values.tenant === undefined || rest.length > 0) {
    throw new UsageError('Cannot import: the path of one file and --tenant are needed')
  }
  await fileSize(path, 'import')
  const config = readConfig(process.env)
  const wanted = { path, dryRun: values['dry-run'], full: values.full }
  const database = await openDatabase(dataPaths(config).databaseUrl)
  try {
    const tenant = await findTenant(database.state, values.tenant)
    const server = await runningServer(config)
    const finished =
      server === undefined
        ? await importHere(config, database, tenant, wanted)
        : await handOver(server, database, tenant, wanted)
    await show(database, finished)
    return finished.fileReason === null && finished.counts.failed === 0 ? 0 : 1
  } finally {
    await database.close()
  }
}

/** Address of the server's HTTP interface; undefined when none answers, which is no proof that there is no server. */
async function runningServer({ httpHost, httpPort }: Config): Promise<string | undefined> {
  // The port of a server that chose one for itself.
  if (httpPort === 0) return undefined
  const host = httpHost === '0.0.0.0' ? '127.0.0.1' : httpHost === '::' ? '::1' : httpHost
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`
  try {
    const answer = await fetch(`${base}/livez`)
    await answer.body?.cancel()
    return base
  } catch {
    return undefined
  }
}

/** By the server's own HTTP interface, with a token that is revoked afterwards. */
async function handOver(
  base: string,
  { state }: Database,
  tenant: Tenant,
  { path, dryRun, full }: Wanted,
): Promise<Run> {
  const { token, hash } = newToken(systemClock)
  const createdAt = systemClock.now()
  const kept = {
    id: newId('token', systemClock),
    tenantId: tenant.id,
    scope: 'tenant',
    name: 'import run',
    hash,
    createdAt,
    expiresAt: createdAt + tokenMs,
    lastUsedAt: null,
    revokedAt: null,
  } as const
  const body = await openAsBlob(path, { type: 'text/csv' })
  await state.tokens.create(kept)
  try {
    const query = new URLSearchParams({ filename: basename(path), dryRun: String(dryRun) })
    if (full) query.set('mode', 'full')
    const answer = await fetch(`${base}/imports?${query}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'text/csv' },
      body,
    })
    const said = z.object({ id: z.string().optional(), detail: z.string().optional() })
    const { id, detail } = said.parse(await answer.json())
    if (id === undefined) {
      const why = answer.status === 401 ? `${base} is another server's` : (detail ?? 'refused')
      throw new AppError('conflict', `Cannot hand over the file: ${why}`)
    }
    return await ended(state, id)
  } finally {
    await state.tokens.update({ ...kept, revokedAt: systemClock.now() })
  }
}

async function importHere(
  config: Config,
  database: Database,
  tenant: Tenant,
  { path, dryRun, full }: Wanted,
): Promise<Run> {
  const { state } = database
  const { storageUrl, databaseUrl } = dataPaths(config)
  const storage = storeSettings(config)
  const files = await openFileStore(storageUrl, storage)
  const importer = createImporter({
    state,
    files,
    clock: systemClock,
    log: createLog({ level: 'error' }),
    workers: createWorkers({ storageUrl, storage, databaseUrl, aheadMs: () => state.aheadMs() }),
    workersAtOnce: config.importWorkers,
    intervalMinutes: config.importIntervalMinutes,
    mailHost: config.mailHost,
    // The server sends them when it runs again.
    onMail: () => undefined,
    openDirectory: (id) => database.readDirectory(id),
  })
  let stop: (() => Promise<void>) | undefined
  try {
    stop = await started(importer, config)
    const { id } = await importer.submit({
      tenantId: tenant.id,
      filename: basename(path),
      source: 'folder',
      actor: 'import run',
      dryRun,
      ...(full ? { mode: 'full' as const } : {}),
      body: createReadStream(path),
      maxBytes: fileLimits.maxBytes,
    })
    return await ended(state, id)
  } finally {
    await stop?.()
    await files.close()
  }
}

/** Starts the imports where no server, or other command, has those of the data folder. */
async function started(importer: Importer, { httpPort }: Config): Promise<() => Promise<void>> {
  try {
    return await importer.start()
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error
    throw new AppError(
      'conflict',
      `Cannot import: a server runs on this data folder and does not answer at HTTP_PORT=${httpPort}, its HTTP_HOST and HTTP_PORT are needed to hand the file over`,
      { cause: error },
    )
  }
}

/** The run with its outcome, or held. */
async function ended(state: Database['state'], id: string): Promise<Run> {
  for (;;) {
    const current = await state.runs.get(id)
    if (current === undefined) throw new Error(`The import ${id} is gone`)
    const isActive = activeStates.some((one) => one === current.state)
    const isOver = current.state === 'held' || current.archivedAt !== null
    if (!isActive && isOver) return current
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

async function show(database: Database, finished: Run): Promise<void> {
  process.stdout.write(`${finished.id}: ${finished.state}\n`)
  printFile(finished.filename, finished)
  printNotices(finished.notices, finished.fileReason)
  printCounts(finished.counts, finished.dryRun)
  const directory = await database.readDirectory(finished.tenantId)
  try {
    for (let after = 0; ;) {
      const page = (await directory?.failures(finished.id, { after, limit: failuresAtOnce })) ?? []
      if (page.length === 0) return
      for (const failure of page) printFailure(failure)
      after = page.at(-1)?.line ?? after
    }
  } finally {
    await directory?.close()
  }
}
