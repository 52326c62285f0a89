import { Cron } from 'croner'
import type { Directory } from '../domain/directory.ts'
import { AppError, isAppError } from '../domain/error.ts'
import type { Importer } from '../domain/importer.ts'
import { activeStates } from '../domain/run.ts'
import type { Run } from '../domain/run.ts'
import type { Tenant } from '../domain/tenant.ts'
import { createActions } from './actions.ts'
import { ownFault } from './execute.ts'
import type { ImportProgress, RunningImport, Workers } from './job.ts'
import { createOutcome, stateAfter } from './outcome.ts'
import type { OutcomeOptions } from './outcome.ts'
import { createQueue } from './queue.ts'
import { createSubmit } from './submit.ts'
import type { SubmitOptions } from './submit.ts'
import { createSweep } from './sweep.ts'

export interface ImporterOptions
  extends Omit<OutcomeOptions, 'workers'>, Pick<SubmitOptions, 'share'> {
  workers: Workers
  /** Imports that run at once, one a client. */
  workersAtOnce: number
  intervalMinutes: number
  /** False: files are taken here, and other processes import them. Default true. */
  importsHere?: boolean
  /** A reader of the tenant's directory, beside its writer; undefined while there is none. */
  openDirectory: (tenantId: string) => Promise<Directory | undefined>
  /** Done at each tick besides: what other rooms have to sweep. */
  onTick?: () => Promise<void>
}

// A worker that died may have met a fault that goes away; the pause after each try, in milliseconds.
const retryPauses = [1_000, 5_000]
// The disk, the storage or the database is away: the file waits for as long as that takes.
const unavailablePauseMs = 10_000
// A file settles for two seconds: time enough to start a worker for it.
const warmMs = 5_000
// Timers do not reach farther than 24 days.
const longestPauseMs = 3_600_000
// Another process may have died: its run is taken over within 30 seconds.
const sharedLookMs = 5_000

const runsAtOnce = 100

/** What one process at a time has of a tenant. */
const ownership = (tenantId: string): string => `imports of ${tenantId}`

/** What is writing to the directory of a tenant. */
interface Busy {
  run: Run
  /** Undefined until its worker is there, and for a revert. */
  running: RunningImport | undefined
  cancelled: boolean
  done: Promise<void>
}

/** What the service does with dropped files, from the claim to the archive; each tenant's in one process at a time. */
export function createImporter(options: ImporterOptions): Importer {
  const { state, clock, log, workers, workersAtOnce, importsHere = true } = options
  const { runs, tenants, drops } = state
  const queue = createQueue(options)
  const outcome = createOutcome(options)
  const sweep = createSweep({ ...options, outcome })
  const submit = createSubmit(options)
  /** Tenants whose directory is being written, and by what. */
  const busy = new Map<string, Busy>()
  /** Runs that wait after a fault, until when. */
  const paused = new Map<string, { until: number; tries: number }>()
  let started = false
  let stopping: Promise<void> | undefined
  let looking: Promise<void> | undefined
  let again = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function jobOf(run: Run, tenant: Tenant, previous: Run | undefined) {
    return {
      run,
      tenant,
      previous:
        previous === undefined
          ? null
          : {
              id: previous.id,
              sha256: previous.sha256,
              failed: previous.counts.failed,
              columns: previous.columns,
            },
    }
  }

  async function ended<T>(result: Promise<T>, last: () => Promise<void>): Promise<T> {
    try {
      return await result
    } finally {
      await last()
    }
  }

  function showProgress(run: Run) {
    let writing = Promise.resolve()
    let waiting: ImportProgress | undefined
    return {
      show: (progress: ImportProgress): void => {
        waiting = progress
        writing = writing.then(async (): Promise<void> => {
          if (waiting === undefined) return
          const { phase, counts, bytesRead, rowsPerSecond } = waiting
          waiting = undefined
          const shown = phase === 'scanning' ? 'parsing' : 'applying'
          const changes = { state: shown, counts, bytesRead, rowsPerSecond } as const
          const { cancelAsked } = await runs.progress(run.id, changes)
          if (cancelAsked === true) cancelHere(run.id)
        })
        writing = writing.catch((error: unknown) => log.warn('progress was not kept', { error }))
      },
      end: () => writing,
    }
  }

  async function importOne(entry: Busy, queued: Run, tenant: Tenant): Promise<void> {
    const waiting = await queue.toWorkAlone(queued)
    const startedAt = waiting.startedAt ?? clock.now()
    const run = await runs.update(queued.id, { state: stateAfter(waiting, 'parse'), startedAt })
    // By another process, or of one that has died since.
    if (run.cancelAsked === true) entry.cancelled = true
    const previous = await runs.lastImported(run.tenantId)
    const progress = showProgress(run)
    const running = workers.import(jobOf(run, tenant, previous), progress.show)
    entry.running = running
    if (stopping !== undefined) running.ask('stop')
    else if (entry.cancelled) running.ask('cancel')
    const result = await ended(running.result, progress.end)
    if (result.outcome === undefined) return
    const current = await runs.get(run.id)
    await outcome.mirror(current ?? run, tenant, result, result.outcome)
    paused.delete(run.id)
  }

  /** A fault of ours: the run is tried again, and in the end reported as such. */
  async function afterFault(run: Run, tenant: Tenant, error: unknown): Promise<void> {
    if (stopping !== undefined) return
    const tries = (paused.get(run.id)?.tries ?? 0) + 1
    const waits = isAppError(error, 'unavailable', 'out_of_space')
    const pause = waits ? unavailablePauseMs : retryPauses[tries - 1]
    log.error('import interrupted', { run_id: run.id, tenant: run.tenantId, tries, error })
    if (pause !== undefined) {
      paused.set(run.id, { until: clock.now() + pause, tries: waits ? tries - 1 : tries })
      return
    }
    const current = await runs.get(run.id)
    if (current === undefined) return
    await outcome.close(current, tenant, 'fail', { fileReason: ownFault(), mails: ['rejected'] })
    paused.delete(run.id)
  }

  function begin(run: Run, tenant: Tenant, release: () => Promise<void>): void {
    const entry: Busy = { run, running: undefined, cancelled: false, done: Promise.resolve() }
    busy.set(run.tenantId, entry)
    entry.done = importOne(entry, run, tenant)
      .catch((error: unknown) => afterFault(run, tenant, error))
      .catch((error: unknown) => {
        log.error('import could not be put aside', { run_id: run.id, error })
        paused.set(run.id, { until: clock.now() + unavailablePauseMs, tries: 0 })
      })
      .then(release)
      .finally(() => {
        busy.delete(run.tenantId)
        importer.nudge()
      })
  }

  /** Begins a run if no other process has its tenant; it may be over by now. */
  async function tryBegin(run: Run, tenant: Tenant): Promise<void> {
    const release = await state.own(ownership(run.tenantId))
    if (release === undefined) return
    const fresh = await runs.get(run.id)
    const waits = activeStates.some((active) => active === fresh?.state)
    if (fresh !== undefined && waits && !busy.has(run.tenantId)) begin(fresh, tenant, release)
    else await release()
  }

  /** Oldest first; of many, no more than are looked at. */
  async function* waitingRuns(): AsyncGenerator<Run> {
    for (let skip = 0; ; skip += runsAtOnce) {
      const page = await runs.active({ skip, limit: runsAtOnce })
      yield* page
      if (page.length < runsAtOnce) return
    }
  }

  /** Starts as many waiting runs as there are workers: the oldest of each tenant, no tenant twice. */
  async function startWaiting(): Promise<void> {
    const now = clock.now()
    const seen = new Set<string>()
    for await (const run of waitingRuns()) {
      if (stopping !== undefined || busy.size >= workersAtOnce) return
      // A paused run keeps the later ones of its tenant waiting: files are imported in order.
      if (seen.has(run.tenantId) || busy.has(run.tenantId)) continue
      seen.add(run.tenantId)
      if ((paused.get(run.id)?.until ?? 0) > now) continue
      const tenant = await tenants.get(run.tenantId)
      if (tenant !== undefined) await tryBegin(run, tenant)
    }
  }

  const isStopping = (): boolean => stopping !== undefined

  async function look(): Promise<void> {
    do {
      again = false
      await queue.claimReady()
      await startWaiting()
    } while (again && !isStopping())
  }

  /** When there will be something to do without a nudge. */
  async function pauseUntilNext(): Promise<number> {
    const ready = await drops.nextReadyAt()
    const retry = [...paused.values()].map(({ until }) => until)
    const next = Math.min(ready ?? Infinity, ...retry)
    const longest = state.shared ? sharedLookMs : longestPauseMs
    return Math.min(longest, Math.max(5, next - clock.now()))
  }

  async function round(): Promise<void> {
    let pause = unavailablePauseMs
    try {
      await look()
      pause = await pauseUntilNext()
    } catch (error) {
      log.error('imports cannot be started', { error })
    }
    looking = undefined
    if (stopping !== undefined) return
    if (pause < warmMs) workers.warm()
    clearTimeout(timer)
    timer = setTimeout(() => importer.nudge(), again ? 0 : pause)
  }

  async function tick(): Promise<void> {
    if (await state.turn('sweep', options.intervalMinutes * 60_000)) {
      if (state.shared) await recover()
      await sweep.run()
      await options.onTick?.()
    }
    importer.nudge()
  }

  /** What a dead process left: outcomes without archive, and bodies whose run was never made. */
  async function recover(): Promise<void> {
    for (const run of await runs.unarchived()) {
      const tenant = await tenants.get(run.tenantId)
      const release = tenant && (await state.own(ownership(run.tenantId)))
      if (tenant === undefined || release === undefined) continue
      try {
        await outcome.archiveLate(run, tenant)
      } finally {
        await release()
      }
    }
    await submit.recover()
    for (const run of await runs.active()) await queue.toWorkAlone(run)
  }

  async function drain(job: Cron): Promise<void> {
    job.stop()
    clearTimeout(timer)
    await looking
    for (const { running } of busy.values()) running?.ask('stop')
    await Promise.all([...busy.values()].map(({ done }) => done))
    await workers.close()
  }

  /** True when a worker of this process has the run, and was asked. */
  function cancelHere(runId: string): boolean {
    const entry = [...busy.values()].find(({ run }) => run.id === runId)
    if (entry === undefined) return false
    entry.cancelled = true
    entry.running?.ask('cancel')
    return true
  }

  const actions = createActions({
    ...options,
    outcome,
    isBusy: (tenantId) => busy.has(tenantId),
    async cancelOr(run, close) {
      if (cancelHere(run.id)) return run
      // It waits behind another run of its tenant, which this process owns because of that.
      if (busy.has(run.tenantId)) return close()
      const release = await state.own(ownership(run.tenantId))
      if (release === undefined) {
        const asked = await runs.update(run.id, { cancelAsked: true })
        state.signals.send('cancel', run.id)
        return asked
      }
      try {
        return await close()
      } finally {
        await release()
      }
    },
    async exclusively(run, work) {
      const release = busy.has(run.tenantId) ? undefined : await state.own(ownership(run.tenantId))
      if (release === undefined) {
        throw new AppError(
          'conflict',
          'Cannot revert the import: another import of this client is running, wait for its end',
        )
      }
      const done = work()
      const settled = done.then(
        () => undefined,
        () => undefined,
      )
      busy.set(run.tenantId, { run, running: undefined, cancelled: false, done: settled })
      try {
        return await done
      } finally {
        await release()
        busy.delete(run.tenantId)
        importer.nudge()
      }
    },
    nudge: () => importer.nudge(),
  })

  const importer: Importer = {
    ...actions,
    nudge() {
      if (!started || stopping !== undefined) return
      again = true
      looking ??= round()
    },
    async submit(submission) {
      const run = await submit.take(submission)
      importer.nudge()
      return run
    },
    isFileOf: (run, body) => submit.isFileOf(run, body),
    async failures(run, asked) {
      const directory = await options.openDirectory(run.tenantId)
      if (directory === undefined) return []
      try {
        return await directory.failures(run.id, asked)
      } finally {
        await directory.close()
      }
    },
    async start() {
      if (!importsHere) return () => workers.close()
      // Before anything is looked at: what is under way in another process looks like what a dead one has left.
      if (!state.shared && (await state.own('imports')) === undefined) {
        throw new AppError(
          'conflict',
          'Cannot import: another process imports from the same data folder, wait for its end or stop it',
        )
      }
      await recover()
      started = true
      const unheard = [
        state.signals.on('drops', () => importer.nudge()),
        state.signals.on('runs', () => importer.nudge()),
        state.signals.on('cancel', (runId) => void cancelHere(runId)),
      ]
      const job = new Cron(
        '* * * * *',
        {
          interval: options.intervalMinutes * 60,
          protect: true,
          catch: (error) => log.error('sweep failed', { error }),
        },
        () => tick(),
      )
      void tick().catch((error: unknown) => log.error('sweep failed', { error }))
      importer.nudge()
      return () => {
        for (const end of unheard) end()
        stopping ??= drain(job)
        return stopping
      }
    },
  }
  return importer
}
