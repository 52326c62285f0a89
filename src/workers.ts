import { Worker } from 'node:worker_threads'
import { newObjectMegabytes } from './db/database.ts'
import type { RevertResult } from './domain/directory.ts'
import { AppError } from './domain/error.ts'
import type { ErrorCode } from './domain/error.ts'
import type {
  ImportJob,
  ImportProgress,
  ImportResult,
  RevertJob,
  ScrubJob,
  StopWish,
  Workers,
} from './import/job.ts'
import type { StoreSettings } from '../storage/index.ts'

/** What a worker is given once. */
export interface WorkerSetup {
  storageUrl: string
  storage: StoreSettings
  databaseUrl: string
  /** What the clock of all processes is ahead of this one's. */
  aheadMs: number
  /** One Int32: an index into `stopWishes`. */
  wish: SharedArrayBuffer
}

export type WorkerTask =
  | { kind: 'import'; job: ImportJob }
  | { kind: 'scrub'; job: ScrubJob }
  | { kind: 'revert'; job: RevertJob }
  | { kind: 'names'; tenantId: string }

export type WorkerAnswer =
  | { kind: 'ready' }
  | { kind: 'progress'; progress: ImportProgress }
  | { kind: 'done'; result: unknown }
  | { kind: 'failed'; code: ErrorCode | null; message: string; stack: string }

/** In shared memory, so that a worker deep in its rows sees a wish without a turn of its event loop. */
export const stopWishes: readonly StopWish[] = ['no', 'stop', 'cancel']

// A bad file takes its worker down, never the doors: heap of one import, in MiB; it needs about 60.
const heapMegabytes = 512
// A worker takes 60 ms and 20 MB to start: kept for the next file, but not for the whole night.
const idleMs = 10_000
// Names of a million users take two seconds to enter; what a stop cuts, the next run of the client does.
const namingMs = 5_000

interface Thread {
  worker: Worker
  wish: Int32Array
  idle: ReturnType<typeof setTimeout> | undefined
}

/** Starts worker threads as they are needed, and keeps them a little while for the next run. */
export function createWorkers({
  onFault = () => undefined,
  ...setup
}: Omit<WorkerSetup, 'wish' | 'aheadMs'> & {
  aheadMs: () => number
  /** Told of names that could not be entered after a run: the next run of the client does it. */
  onFault?: (error: unknown) => void
}): Workers {
  const free: Thread[] = []
  const all = new Set<Thread>()
  const naming = new Set<Promise<void>>()
  let closed = false

  function start(): Thread {
    const wish = new SharedArrayBuffer(4)
    const workerData: WorkerSetup = { ...setup, aheadMs: setup.aheadMs(), wish }
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData,
      resourceLimits: {
        maxOldGenerationSizeMb: heapMegabytes,
        maxYoungGenerationSizeMb: newObjectMegabytes(setup.databaseUrl),
      },
    })
    // Without one, what is thrown before or after a task would end the process.
    worker.on('error', () => undefined)
    const thread: Thread = { worker, wish: new Int32Array(wish), idle: undefined }
    all.add(thread)
    worker.once('exit', () => forget(thread))
    return thread
  }

  function forget(thread: Thread): void {
    clearTimeout(thread.idle)
    all.delete(thread)
    const index = free.indexOf(thread)
    if (index >= 0) free.splice(index, 1)
  }

  async function end(thread: Thread): Promise<void> {
    forget(thread)
    await thread.worker.terminate()
  }

  function take(): Thread {
    if (closed) throw new AppError('unavailable', 'Cannot import: the server is stopping')
    const thread = free.pop() ?? start()
    clearTimeout(thread.idle)
    Atomics.store(thread.wish, 0, 0)
    return thread
  }

  function release(thread: Thread): void {
    if (!all.has(thread)) return
    if (closed) return void end(thread)
    free.push(thread)
    thread.idle = setTimeout(() => void end(thread), idleMs)
    thread.idle.unref()
  }

  async function run<T>(
    thread: Thread,
    task: WorkerTask,
    onProgress: (progress: ImportProgress) => void = () => undefined,
  ): Promise<T> {
    const { worker } = thread
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const onMessage = (answer: WorkerAnswer): void => {
      if (answer.kind === 'progress') onProgress(answer.progress)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each task has one kind of result
      else if (answer.kind === 'done') resolve(answer.result as T)
      else if (answer.kind === 'failed') reject(faultOf(answer))
    }
    const onExit = (code: number): void => reject(new Error(`The worker ended with ${code}`))
    worker.on('message', onMessage)
    worker.on('error', reject)
    worker.on('exit', onExit)
    worker.postMessage(task)
    try {
      return await promise
    } finally {
      worker.off('message', onMessage)
      worker.off('error', reject)
      worker.off('exit', onExit)
    }
  }

  /** What a search finds users by is made behind the run, so that nobody waits for it. */
  function enterNames(thread: Thread, tenantId: string): void {
    const entered: Promise<void> = run<void>(thread, { kind: 'names', tenantId })
      .catch((error: unknown) => {
        if (!closed) onFault(error)
      })
      .finally(() => {
        naming.delete(entered)
        release(thread)
      })
    naming.add(entered)
  }

  /** A task that may have changed users, and their names behind it. */
  async function changing<T>(
    thread: Thread,
    tenantId: string,
    { result, changed }: { result: Promise<T>; changed: (result: T) => boolean },
  ): Promise<T> {
    let names = false
    try {
      const given = await result
      names = changed(given)
      return given
    } finally {
      if (names) enterNames(thread, tenantId)
      else release(thread)
    }
  }

  return {
    import(job, onProgress) {
      const thread = take()
      return {
        result: changing(thread, job.run.tenantId, {
          result: run<ImportResult>(thread, { kind: 'import', job }, onProgress),
          // One that was stopped goes on later.
          changed: ({ outcome }) => outcome !== undefined && !job.run.dryRun,
        }),
        ask: (wish) => void Atomics.store(thread.wish, 0, stopWishes.indexOf(wish)),
      }
    },
    async scrub(job) {
      const thread = take()
      try {
        return await run<boolean>(thread, { kind: 'scrub', job })
      } finally {
        release(thread)
      }
    },
    async revert(job) {
      const thread = take()
      const result = run<RevertResult>(thread, { kind: 'revert', job })
      return changing(thread, job.tenantId, { result, changed: () => true })
    },
    warm() {
      if (!closed && free.length === 0 && all.size === 0) release(start())
    },
    async close() {
      closed = true
      const late = new Promise((resolve) => setTimeout(resolve, namingMs).unref())
      await Promise.race([Promise.all(naming), late])
      await Promise.all([...all].map(end))
    },
  }
}

function faultOf({ code, message, stack }: Extract<WorkerAnswer, { kind: 'failed' }>): Error {
  if (code !== null) return new AppError(code, message)
  const error = new Error(message)
  error.stack = stack
  return error
}
