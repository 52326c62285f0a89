import { createHash } from 'node:crypto'
import { createReadStream, linkSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { pipeline } from 'node:stream/promises'
import { systemClock } from '../../src/clock.ts'
import { openDirectories } from '../../src/db/database.ts'
import { workPath } from '../../src/domain/layout.ts'
import type { Run } from '../../src/domain/run.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { ImportProgress, ImportResult } from '../../src/import/job.ts'
import { newRun } from '../../src/import/queue.ts'
import { createWorkers } from '../../src/workers.ts'
import { plainSettings } from '../../storage/index.ts'
import { userTypes } from './rows.ts'
import type { Side } from './side.ts'

export const tenant: Tenant = {
  id: 'ten_maple',
  name: 'Maple',
  settings: { ...defaultSettings },
  settingsVersion: 1,
  userTypes: userTypes.map((name, index) => ({ id: String(index + 1), name })),
  loginSources: [],
  createdAt: 0,
}

// The least that a file settles.
const warmMs = 1_000

export interface Ours extends Side {
  /** The last run. */
  readonly last: ImportResult | undefined
  /** File of its directory. */
  readonly database: string
}

/** A PostgreSQL database of ours, migrated. */
export interface OursOnPostgres {
  url: string
  reset(): Promise<void>
  users(): Promise<number>
  close(): Promise<void>
}

/**
 * The import as the service does it: a worker thread of its own, file store, directory, report of failed rows.
 *
 * The digest of the file is known, as it is after an upload, and the thread is a new one that has begun to start
 * while the file settled; it has not run any of the code.
 */
export function ours(
  folder: string,
  postgres?: OursOnPostgres,
  onProgress: (progress: ImportProgress) => void = () => undefined,
): Ours {
  const files = join(folder, 'files')
  const database = join(folder, 'directory', 'ten_maple.db')
  const databaseUrl = postgres?.url ?? `sqlite:${folder}`
  const digests = new Map<string, string>()
  let previous: Run | undefined
  let last: ImportResult | undefined
  // Names for the search are entered behind the run: nobody waits for them, nor is any other side measured meanwhile.
  let behind: Promise<void> = Promise.resolve()

  /** What a stop has cut of it. */
  async function enterNames(): Promise<void> {
    const directories = await openDirectories(databaseUrl)
    const directory = await directories.open(tenant.id)
    await directory.enterNames()
    await directory.close()
    await directories.close()
  }

  async function digestOf(file: string): Promise<string> {
    const known = digests.get(file)
    if (known !== undefined) return known
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    const digest = hash.digest('hex')
    digests.set(file, digest)
    return digest
  }

  return {
    name: 'ours',
    database,
    get last() {
      return last
    },
    async reset() {
      await behind
      for (const end of ['', '-wal', '-shm']) rmSync(`${database}${end}`, { force: true })
      await postgres?.reset()
      previous = undefined
    },
    async prepare(file) {
      await behind
      const { size } = statSync(file)
      const run = newRun(systemClock, {
        tenantId: tenant.id,
        filename: 'users.csv',
        source: 'sftp',
        actor: 'maple',
        sourcePath: '',
        sizeBytes: size,
        sha256: await digestOf(file),
      })
      const path = join(files, workPath(tenant.id, run.id))
      mkdirSync(dirname(path), { recursive: true })
      linkSync(file, path)
      const before =
        previous === undefined || last === undefined
          ? null
          : {
              id: previous.id,
              sha256: previous.sha256,
              failed: last.state.counts.failed,
              columns: last.state.file?.columns ?? [],
            }
      const workers = createWorkers({
        storageUrl: files,
        storage: plainSettings,
        databaseUrl,
        aheadMs: () => 0,
      })
      // As the service does while a file settles.
      workers.warm()
      await pause(warmMs)
      return async () => {
        try {
          last = await workers.import({ run, tenant, previous: before }, onProgress).result
          previous = run
        } finally {
          behind = workers.close().then(enterNames)
        }
      }
    },
    async users() {
      await behind
      if (postgres !== undefined) return postgres.users()
      const db = new DatabaseSync(database, { readOnly: true })
      const count = Number(db.prepare('SELECT count(*) AS n FROM users').get()?.['n'])
      db.close()
      return count
    },
    async close() {
      await behind
      await postgres?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
