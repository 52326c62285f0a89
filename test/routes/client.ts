import { createHash, randomBytes } from 'node:crypto'
import { createApp } from '../../src/app.ts'
import type { AppOptions } from '../../src/app.ts'
import { createOperations } from '../../routes/operations.ts'
import type { Operations } from '../../routes/operations.ts'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Token, TokenScope } from '../../src/domain/account.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { AppError } from '../../src/domain/error.ts'
import { newId } from '../../src/domain/id.ts'
import type { Importer } from '../../src/domain/importer.ts'
import { nextState, zeroCounts } from '../../src/domain/run.ts'
import type { Run, RunEvent } from '../../src/domain/run.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { createSubmit } from '../../src/import/submit.ts'
import { readMail } from '../../src/mail/read.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { defaultLimits } from '../../src/drop/limits.ts'
import { createPasswordHasher } from '../../src/drop/password.ts'
import { createPenalties } from '../../src/drop/penalty.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { addClient, silent } from '../drop/door.ts'

export type Answered = Record<string, unknown> & { data: Record<string, unknown>[] }

/** A clock whose every reading is later than the one before, so that ids sort as they were made. */
export function steadyClock(start = Date.parse('2026-01-31T08:00:00Z')): Clock & { now(): number } {
  let time = start
  return {
    now: () => (time += 1),
    random: (length) => new Uint8Array(randomBytes(length)),
  }
}

/** The HTTP interface on a real state database, with tokens for two clients. */
export interface World {
  app: ReturnType<typeof createApp>
  options: AppOptions
  operations: Operations
  state: StateStore
  files: FileStore
  clock: Clock
  /** The directory of a client, made when it is asked for. */
  directory(tenantId: string): ReturnType<typeof openDirectory>
  tokens: Record<'operator' | 'tenant' | 'monitor' | 'other', string>
  addToken(scope: TokenScope, tenantId: string | null, changes?: Partial<Token>): Promise<string>
  addRun(changes?: Partial<Run>): Promise<Run>
  /** By the token of client maple unless another is given; '' sends none. */
  request(path: string, init?: RequestInit, token?: string): Promise<Response>
  json(path: string, init?: RequestInit, token?: string): Promise<Answered>
  send(method: string, path: string, body: unknown, token?: string): Promise<Response>
}

/** Stores and queues as the real one does; what it does with rows is tested in the import room. */
export function storingImporter(world: {
  state: StateStore
  files: FileStore
  clock: Clock
}): Importer {
  const { state, clock } = world
  const submit = createSubmit({ ...world, log: silent })
  async function fire(runId: string, event: RunEvent): Promise<Run> {
    const run = await state.runs.get(runId)
    const next = run && nextState(run.state, event)
    if (next === undefined) {
      throw new AppError('conflict', `Cannot ${event} the import: it is ${run?.state} already`)
    }
    return state.runs.update(runId, { state: next })
  }
  return {
    nudge: () => undefined,
    submit: (submission) => submit.take(submission),
    isFileOf: (run, body) => submit.isFileOf(run, body),
    cancel: (id) => fire(id, 'cancel'),
    approve: (id) => fire(id, 'approve'),
    reject: (id) => fire(id, 'reject'),
    revert: (id) => fire(id, 'revert'),
    async retry(id) {
      const run = await state.runs.get(id)
      const again = runOf({ tenantId: run?.tenantId ?? '', id: newId('run', clock) })
      await state.runs.create(again)
      return again
    },
    async failures(_, { after = 0, limit, code }) {
      return [2, 3, 5]
        .filter((line) => line > after)
        .map((line) => ({
          line,
          reasons: [{ code: 9013, field: 'UserUUID', sentence: `Line ${line} has no identifier` }],
          cells: ['', `user${line}@maple.example`],
          raw: null,
        }))
        .filter(({ reasons }) => code === undefined || reasons[0]?.code === code)
        .slice(0, limit)
    },
    start: async () => async () => undefined,
  }
}

export function runOf(changes: Partial<Run>): Run {
  const tenantId = changes.tenantId ?? 'ten_maple'
  return {
    id: 'run_',
    tenantId,
    filename: 'users.csv',
    source: 'sftp',
    actor: null,
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'queued',
    counts: { ...zeroCounts },
    sizeBytes: 10,
    sha256: null,
    encoding: null,
    delimiter: null,
    columns: [],
    ignoredColumns: [],
    notices: [],
    fileReason: null,
    reasons: [],
    bytesRead: 0,
    rowsPerSecond: 0,
    createdAt: 1,
    startedAt: null,
    finishedAt: null,
    sourcePath: `drop/${tenantId}/users.csv`,
    archivedAt: null,
    reportPath: null,
    mail: 'none',
    version: 1,
    ...changes,
  }
}

export async function openWorld(
  changes: Partial<AppOptions> = {},
  wrap: (importer: Importer) => Importer = (importer) => importer,
): Promise<World> {
  const state = openState(':memory:')
  const { files } = memoryDriver()
  const clock = steadyClock()
  const directories = new Map<string, ReturnType<typeof openDirectory>>()
  const hasher = createPasswordHasher()
  await addClient(state, 'maple')
  await addClient(state, 'oak')
  const options: AppOptions = {
    state,
    importer: wrap(storingImporter({ state, files, clock })),
    files,
    clock,
    log: silent,
    metrics: createMetrics({
      activeRuns: () => state.runs.activeCounts(),
      oldestMail: async () => 0,
      penalties: () => 0,
      freeBytes: async () => undefined,
    }),
    penalties: createPenalties({ clock, limits: defaultLimits }),
    openUsers: async (tenantId) => directories.get(tenantId),
    hashPassword: (password) => hasher.hash(password),
    checks: [{ name: 'database', check: () => state.ping() }],
    console: {
      doors: () => ({
        host: null,
        sftpPort: 2222,
        ftpsPort: 2121,
        ftpsImplicitPort: 2990,
        hostKeyFingerprint: 'SHA256:for-tests',
      }),
      mailHost: 'rosterdrop.example',
      onMail: () => undefined,
      readMail,
    },
    ...changes,
  }
  const app = createApp(options)

  async function addToken(scope: TokenScope, tenantId: string | null, more: Partial<Token> = {}) {
    const token = `rd_${randomBytes(32).toString('base64url')}`
    await state.tokens.create({
      id: newId('token', clock),
      tenantId,
      scope,
      name: `${scope} token`,
      hash: createHash('sha256').update(token).digest('hex'),
      createdAt: clock.now(),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
      ...more,
    })
    return token
  }
  const tokens = {
    operator: await addToken('operator', null),
    tenant: await addToken('tenant', 'ten_maple'),
    monitor: await addToken('monitor', 'ten_maple'),
    other: await addToken('tenant', 'ten_oak'),
  }

  async function request(path: string, init: RequestInit = {}, token = tokens.tenant) {
    const headers = new Headers(init.headers)
    if (token !== '') headers.set('authorization', `Bearer ${token}`)
    return app.request(path, { ...init, headers })
  }
  return {
    app,
    options,
    operations: createOperations(options),
    state,
    files,
    clock,
    directory(tenantId) {
      const known = directories.get(tenantId)
      const directory = known ?? openDirectory({ file: ':memory:', tenantId })
      directories.set(tenantId, directory)
      return directory
    },
    tokens,
    addToken,
    request,
    async addRun(more = {}) {
      const run = runOf({ id: newId('run', clock), state: 'completed', ...more })
      await state.runs.create(run)
      return run
    },
    async json(path, init, token) {
      return (await (await request(path, init, token)).json()) as Answered
    },
    send: (method, path, body, token) =>
      request(
        path,
        { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
        token,
      ),
  }
}
