import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { text } from '../row.ts'

export interface Checkpoints {
  /** To be called after each commit: its pages are written into the file while the next are made. */
  begin(): void
  /** Resolves when the thread has let go of the file. */
  close(): Promise<void>
}

/**
 * Carries what is committed from the log into the database file in a thread of its own, beside the writer.
 *
 * Without it the writer does so itself, each time that its log is full and at its end: a tenth of a first load
 * (docs/performance.md). Whatever befalls the thread, the log stays, and the writer's own checkpoint carries it.
 */
export function createCheckpoints(db: DatabaseSync): Checkpoints {
  const file = text(
    db.prepare("SELECT file FROM pragma_database_list WHERE name = 'main'").get() ?? {},
    'file',
  )
  const worker = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), {
    workerData: file,
  })
  // Told when it has closed the file; after a failure it has none.
  const ended = new Promise<void>((resolve) => {
    for (const event of ['message', 'error', 'exit']) worker.once(event, () => resolve())
  })
  return {
    begin: () => worker.postMessage(true),
    async close() {
      worker.postMessage(false)
      await ended
      await worker.terminate()
    },
  }
}
