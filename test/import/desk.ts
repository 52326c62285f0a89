import { createHash } from 'node:crypto'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
import type { Directory, DirectoryUser } from '../../src/domain/directory.ts'
import type { RowFailure } from '../../src/domain/importer.ts'
import { workPath } from '../../src/domain/layout.ts'
import type { Run } from '../../src/domain/run.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { Tenant, TenantSettings } from '../../src/domain/tenant.ts'
import { executeRun } from '../../src/import/execute.ts'
import type { ImportProgress, ImportResult, StopWish } from '../../src/import/job.ts'
import { newRun } from '../../src/import/queue.ts'
import { memoryDriver } from '../../storage/memory.ts'

export interface DeskOptions {
  settings?: Partial<TenantSettings>
  userTypes?: Tenant['userTypes']
  loginSources?: string[]
  /** Default: in memory. */
  file?: string
  /** Default: one in SQLite. */
  directory?: Directory
  /** The store gives so many bytes at a time, at most. */
  pieceBytes?: number
}

export interface DropOptions extends Partial<
  Pick<Run, 'id' | 'mode' | 'dryRun' | 'force' | 'approved'>
> {
  filename?: string
  wish?: () => StopWish
  onProgress?: (progress: ImportProgress) => void
  /** The file is gone before it is read. */
  missing?: boolean
}

export interface Dropped extends ImportResult {
  run: Run
  failures: RowFailure[]
}

/** One client's imports without doors and threads: a real directory, the real work on rows. */
export function openDesk(options: DeskOptions = {}) {
  const files = inPieces(memoryDriver().files, options.pieceBytes)
  let time = Date.UTC(2026, 10, 24, 3)
  const clock = {
    now: () => (time += 1000),
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  }
  const tenant: Tenant = {
    id: 'ten_maple',
    name: 'Maple',
    settings: { ...defaultSettings, ...options.settings },
    settingsVersion: 1,
    userTypes: options.userTypes ?? [
      { id: '1', name: 'Student' },
      { id: '2', name: 'Staff' },
    ],
    loginSources: options.loginSources ?? [],
    createdAt: clock.now(),
  }
  const open = (): Directory =>
    options.directory ?? openDirectory({ file: options.file ?? ':memory:', tenantId: tenant.id })
  let directory = open()
  let previous: { id: string; sha256: string | null; failed: number; columns: string[] } | null =
    null

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    const staged = await files.openWrite(path)
    await staged.write(0, bytes)
    await staged.commit({ overwrite: true })
  }

  return {
    tenant,
    files,
    clock,
    get directory() {
      return directory
    },

    /** Imports `content` as a file of its own, or goes on with the run of `id`. */
    async drop(content: string | Uint8Array, given: DropOptions = {}): Promise<Dropped> {
      const {
        filename = 'users.csv',
        wish = () => 'no',
        onProgress = () => undefined,
        missing = false,
        ...rest
      } = given
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
      const run = newRun(clock, {
        tenantId: tenant.id,
        filename,
        source: 'sftp',
        actor: 'maple',
        sourcePath: '',
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        mode: tenant.settings.mode,
        ...rest,
      })
      if (!missing) await put(workPath(tenant.id, run.id), bytes)
      const result = await executeRun({
        job: { run, tenant, previous },
        directory,
        files,
        now: clock.now,
        hashPassword: async (password) =>
          `hash:${createHash('sha256').update(password).digest('hex')}`,
        onProgress,
        wish,
      })
      const { outcome, state } = result
      if (!run.dryRun && (outcome === 'completed' || outcome === 'completed_with_failures')) {
        previous = {
          id: run.id,
          sha256: state.file?.sha256 ?? null,
          failed: state.counts.failed,
          columns: state.file?.columns ?? [],
        }
      }
      const failures = await directory.failures(run.id, { limit: 100_000 })
      return { ...result, run, failures }
    },

    async users(): Promise<DirectoryUser[]> {
      return directory.users({ limit: 1_000_000 })
    },

    async report(dropped: Dropped): Promise<Buffer> {
      const reader = await files.openRead(dropped.reportPath ?? '')
      const bytes = await reader.read(0, reader.size)
      await reader.close()
      return Buffer.from(bytes)
    },

    /** As after a kill: what was not committed is gone. */
    async reopen(): Promise<void> {
      await directory.close()
      directory = open()
    },

    close: () => directory.close(),
  }
}

/** The same store, but each reading of a file gives a few bytes only. */
function inPieces(files: FileStore, most: number = Infinity): FileStore {
  return {
    ...files,
    async openRead(path) {
      const reader = await files.openRead(path)
      return {
        ...reader,
        read: (position, length, room) => reader.read(position, Math.min(length, most), room),
      }
    },
  }
}
