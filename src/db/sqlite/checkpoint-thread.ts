import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** Carries the log of one SQLite file into the file, whenever it is told of a commit, until it is told that there are none. */
const port = parentPort
if (port === null || typeof workerData !== 'string') throw new Error('There is no file to keep')
const db = new DatabaseSync(workerData, { timeout: 0 })
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')

port.on('message', (commit: boolean) => {
  if (commit) {
    checkpoint.get()
    return
  }
  db.close()
  port.postMessage('closed')
})
