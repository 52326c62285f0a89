import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db/database.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { newId } from '../../src/domain/id.ts'
import { dropPath } from '../../src/domain/layout.ts'
import type { Log } from '../../src/domain/log.ts'
import type { Run } from '../../src/domain/run.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { Tenant, TenantSettings } from '../../src/domain/tenant.ts'
import { createImporter } from '../../src/import/importer.ts'
import { createWorkers } from '../../src/workers.ts'
import { openFileStore, plainSettings } from '../../storage/index.ts'

/** The one client of a house. */
const tenantId = 'ten_maple'

export interface HouseOptions {
  /** Default: SQLite in the folder. */
  databaseUrl?: string
  clock?: Clock
  /** Default: 1. */
  workersAtOnce?: number
  /** Where log lines go; default: nowhere. */
  onLog?: (line: string) => void
}

/** The import of a server on `folder`, with its threads and stores and without its doors. */
export async function openHouse(folder: string, options: HouseOptions = {}) {
  const { clock = systemClock, onLog = () => undefined } = options
  const { databaseUrl = `sqlite:${folder}` } = options
  const line = (message: string, fields?: Record<string, unknown>): void =>
    onLog(JSON.stringify({ message, ...fields }, (_, value: unknown) => shownError(value)))
  const log: Log = { debug: line, info: line, warn: line, error: line }
  const storageUrl = join(folder, 'files')
  const database = await openDatabase(databaseUrl)
  const { state } = database
  const files = await openFileStore(storageUrl)
  const importer = createImporter({
    state,
    files,
    clock,
    log,
    workers: createWorkers({
      storageUrl,
      storage: plainSettings,
      databaseUrl,
      aheadMs: () => 0,
    }),
    workersAtOnce: options.workersAtOnce ?? 1,
    intervalMinutes: 60,
    importsHere: true,
    mailHost: 'house.example',
    onMail: () => undefined,
    openDirectory: (id) => database.readDirectory(id),
  })
  let stop: (() => Promise<void>) | undefined

  const house = {
    folder,
    state,
    files,
    importer,
    database,

    async addTenant(settings: Partial<TenantSettings> = {}, id = tenantId): Promise<Tenant> {
      const tenant: Tenant = {
        id,
        name: id === tenantId ? 'Maple' : id,
        settings: { ...defaultSettings, ...settings },
        settingsVersion: 1,
        userTypes: [],
        loginSources: [],
        createdAt: clock.now(),
      }
      await state.tenants.create(tenant)
      return tenant
    },

    /** Puts a file into the drop folder as an upload that has settled. */
    async drop(
      name: string,
      content: string | Uint8Array,
      dropFolder = '',
      owner = tenantId,
    ): Promise<void> {
      const path = dropPath(owner, dropFolder, name)
      const staged = await files.openWrite(path)
      const bytes = Buffer.from(content)
      await staged.write(0, bytes)
      await staged.commit({ overwrite: true })
      await state.drops.record({
        id: newId('drop', clock),
        tenantId: owner,
        path,
        folder: dropFolder,
        filename: name,
        sizeBytes: bytes.length,
        sha256: null,
        source: 'sftp',
        actor: 'maple',
        committedAt: clock.now(),
        readyAt: 0,
      })
      importer.nudge()
    },

    async start(): Promise<void> {
      stop = await importer.start()
    },

    runs: (): Promise<Run[]> => state.runs.list({ tenantId, limit: 100 }),

    /** Resolves when nothing waits any more. */
    async idle(): Promise<Run[]> {
      for (let tries = 0; tries < 2400; tries += 1) {
        // In the order in which a file goes: asked the other way round, one that is just claimed is in neither.
        const [waiting, active] = [await state.drops.list(tenantId), await state.runs.active()]
        const late = await state.runs.unarchived()
        if (active.length + waiting.length + late.length === 0) return house.runs()
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      throw new Error('the imports did not end in a minute')
    },

    async stop(): Promise<void> {
      await stop?.()
    },

    async close(): Promise<void> {
      await stop?.()
      await database.close()
      await files.close()
    },

    /** What is stored, with names and times that differ from run to run taken out. */
    async picture() {
      const reader = await database.readDirectory(tenantId)
      const users = (await reader?.users({ limit: 1_000_000 })) ?? []
      await reader?.close()
      const runs = (await house.runs()).toReversed()
      const mails = []
      for (const run of runs) {
        for (const { kind, state: mailState } of await state.outbox.forRun(run.id)) {
          mails.push(`${run.filename} ${kind} ${mailState}`)
        }
      }
      return {
        users: users
          .map(({ fields, active, hasPassword }) => ({ ...fields, active, hasPassword }))
          .toSorted((a, b) => String(a.UserUUID).localeCompare(String(b.UserUUID))),
        runs: runs.map(({ filename, state: runState, counts, reasons, fileReason, mail }) => ({
          filename,
          state: runState,
          counts,
          reasons,
          code: fileReason?.code ?? null,
          mail,
        })),
        mails,
        files: filesIn(join(folder, 'files')).map(({ name, text }) => `${plain(name)}: ${text}`),
      }
    },
  }
  return house
}

export type House = Awaited<ReturnType<typeof openHouse>>

function shownError(value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message} ${value.stack}` : value
}

function plain(name: string): string {
  return name.replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'TIME-ID').replace(/run_[0-9a-f-]{36}/g, 'RUN')
}

/** Every file below `folder` but those that the store has made ahead of uploads, with a short form of its bytes. */
function filesIn(folder: string): { name: string; text: string }[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => !/^\.staging\/[^/]+\/ahead-/.test(name) && statSync(join(folder, name)).isFile(),
    )
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'latin1') }))
    .toSorted((a, b) => plain(a.name).localeCompare(plain(b.name)))
}
