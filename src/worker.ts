import { parentPort, workerData } from 'node:worker_threads'
import { openDirectories } from './db/database.ts'
import { isAppError } from './domain/error.ts'
import { workPath } from './domain/layout.ts'
import { createPasswordHasher } from './drop/password.ts'
import { archiveNote, archiveWithoutPasswords } from './import/archive.ts'
import { executeRun } from './import/execute.ts'
import { FileRefused } from './import/job.ts'
import type { ScrubJob } from './import/job.ts'
import { openSource } from './import/source.ts'
import { stepBack } from './thread-priority.ts'
import { stopWishes } from './workers.ts'
import type { WorkerAnswer, WorkerSetup, WorkerTask } from './workers.ts'
import { openFileStore } from '../storage/index.ts'

/** Work on rows, in a thread of its own: one task at a time, as the main thread says. */
const port = parentPort
if (port === null) throw new Error('The worker has no main thread')
stepBack()
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by our own main thread
const setup = workerData as WorkerSetup
const files = await openFileStore(setup.storageUrl, setup.storage)
const directories = await openDirectories(setup.databaseUrl)
const hasher = createPasswordHasher()
const wishes = new Int32Array(setup.wish)
const now = (): number => Date.now() + setup.aheadMs

const answer = (message: WorkerAnswer): void => port.postMessage(message)

async function work(task: WorkerTask): Promise<unknown> {
  if (task.kind === 'scrub') return scrub(task.job)
  const directory = await directories.open(tenantOf(task))
  try {
    if (task.kind === 'names') return await directory.enterNames()
    if (task.kind === 'revert') return await directory.revert(task.job.runId, task.job.by, now())
    return await executeRun({
      job: task.job,
      directory,
      files,
      now,
      hashPassword: (password) => hasher.hash(password),
      onProgress: (progress) => answer({ kind: 'progress', progress }),
      wish: () => stopWishes[Atomics.load(wishes, 0)] ?? 'no',
    })
  } finally {
    await directory.close()
  }
}

function tenantOf(task: Exclude<WorkerTask, { kind: 'scrub' }>): string {
  if (task.kind === 'names') return task.tenantId
  return task.kind === 'import' ? task.job.run.tenantId : task.job.tenantId
}

async function scrub({ run, tenant, to }: ScrubJob): Promise<boolean> {
  const note = async (): Promise<boolean> => {
    await archiveNote(to, run, files)
    return true
  }
  try {
    const source = await openSource({
      files,
      path: workPath(run.tenantId, run.id),
      filename: run.filename,
      settings: tenant.settings,
      previousFields: [],
      lenient: true,
    })
    try {
      const { hasPassword, columnsKnown } = source.header
      if (hasPassword) await archiveWithoutPasswords(to, source, files)
      else if (!columnsKnown) return await note()
      return hasPassword
    } finally {
      await source.close()
    }
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error
    // A workbook, a page, JSON; what is empty holds nothing.
    return error.notice.code === 9109 ? note() : false
  }
}

port.on('message', (task: WorkerTask) => {
  work(task).then(
    (result) => answer({ kind: 'done', result }),
    (error: unknown) => {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
      answer({ kind: 'failed', code: isAppError(error) ? error.code : null, message, stack })
    },
  )
})
answer({ kind: 'ready' })
