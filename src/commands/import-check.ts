import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { dataPaths, readConfig } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import { openDirectory } from '../db/sqlite/directory.ts'
import type { Directory } from '../domain/directory.ts'
import { newId } from '../domain/id.ts'
import { workPath } from '../domain/layout.ts'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import { defaultSettings } from '../domain/tenant.ts'
import type { Tenant } from '../domain/tenant.ts'
import { executeRun } from '../import/execute.ts'
import { newRun } from '../import/queue.ts'
import { fileSize } from '../given-file.ts'
import { findTenant } from '../state.ts'
import { UsageError } from '../usage.ts'
import { openFileStore } from '../../storage/index.ts'
import { printCounts, printFailure, printFile, printNotices } from './import-print.ts'

const failuresAtOnce = 1000

/** `rosterdrop import check`: a dry run beside the service, in a folder of its own. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { tenant: { type: 'string' }, full: { type: 'boolean', default: false } },
  })
  const [path, ...rest] = positionals
  if (path === undefined || rest.length > 0) {
    throw new UsageError('Cannot check: the path of one file is needed')
  }
  const folder = await mkdtemp(join(tmpdir(), 'rosterdrop-check-'))
  try {
    return await check(folder, path, values)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function check(
  folder: string,
  path: string,
  { tenant: name, full }: { tenant?: string; full: boolean },
): Promise<number> {
  const sizeBytes = await fileSize(path, 'check')
  const copy = join(folder, 'users.db')
  const { tenant, previous } =
    name === undefined ? { tenant: nobody(), previous: undefined } : await known(name, copy)
  const files = await openFileStore(join(folder, 'files'))
  const directory = openDirectory({ file: copy, tenantId: tenant.id })
  try {
    const checked = newRun(systemClock, {
      tenantId: tenant.id,
      filename: basename(path),
      source: 'folder',
      actor: null,
      sourcePath: '',
      sizeBytes,
      mode: full ? 'full' : tenant.settings.mode,
      dryRun: true,
    })
    await copyIn(files, workPath(tenant.id, checked.id), path)
    const { state } = await executeRun({
      job: { run: checked, tenant, previous: previous ?? null },
      directory,
      files,
      now: () => systemClock.now(),
      hashPassword: async () => '',
      onProgress: () => undefined,
      wish: () => 'no',
    })
    const facts = { encoding: null, delimiter: null, columns: [], ignoredColumns: [] }
    printFile(basename(path), { sizeBytes, ...(state.file ?? facts) })
    printNotices(state.notices, state.fileReason)
    if (state.fileReason === null) printCounts(state.counts, true)
    await printFailures(directory, checked.id)
    return state.fileReason === null && state.counts.failed === 0 ? 0 : 1
  } finally {
    await directory.close()
    await files.close()
  }
}

/** A client with default settings and no users. */
function nobody(): Tenant {
  return {
    id: newId('tenant', systemClock),
    name: '',
    settings: { ...defaultSettings },
    settingsVersion: 1,
    userTypes: [],
    loginSources: [],
    createdAt: systemClock.now(),
  }
}

/** A client with its last import, and with its users in `file`. */
async function known(name: string, file: string) {
  const database = await openDatabase(dataPaths(readConfig(process.env)).databaseUrl)
  try {
    const tenant = await findTenant(database.state, name)
    const last: Run | undefined = await database.state.runs.lastImported(tenant.id)
    if (database.copyDirectory === undefined) {
      process.stderr.write(
        'The database is shared: the file is checked against the settings of the client and against no users\n',
      )
    } else await database.copyDirectory(tenant.id, file)
    const previous = last && {
      id: last.id,
      sha256: last.sha256,
      failed: last.counts.failed,
      columns: last.columns,
    }
    return { tenant, previous }
  } finally {
    await database.close()
  }
}

async function copyIn(files: FileStore, to: string, path: string): Promise<void> {
  const staged = await files.openWrite(to)
  try {
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) await staged.write(staged.size, chunk)
    }
    await staged.commit()
  } catch (error) {
    await staged.abort()
    throw error
  }
}

async function printFailures(directory: Directory, runId: string): Promise<void> {
  for (let after = 0; ;) {
    const failures = await directory.failures(runId, { after, limit: failuresAtOnce })
    if (failures.length === 0) return
    for (const failure of failures) printFailure(failure)
    after = failures.at(-1)?.line ?? after
  }
}
