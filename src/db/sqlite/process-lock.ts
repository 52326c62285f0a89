import { DatabaseSync } from 'node:sqlite'

/** What one process of several has of a data folder; a process that dies, however, lets go of it. */
export interface ProcessLock {
  /** True when this process has it, from now on or already. */
  take(): boolean
  close(): void
}

// https://www.sqlite.org/rescode.html
const busy = 5

/**
 * A lock that the system takes off a process that is killed: neither Node nor Deno has one of its own on every
 * platform, SQLite does. `file` stays empty; undefined: there is nothing to share.
 */
export function processLock(file: string | undefined): ProcessLock {
  let held: DatabaseSync | undefined
  return {
    take() {
      if (file === undefined || held !== undefined) return true
      const db = new DatabaseSync(file, { timeout: 0 })
      try {
        // By a statement: under Deno the errors of exec have no errcode.
        db.prepare('BEGIN EXCLUSIVE').run()
        held = db
        return true
      } catch (error) {
        db.close()
        const isBusy = error instanceof Error && 'errcode' in error && error.errcode === busy
        if (!isBusy) throw error
        return false
      }
    },
    close() {
      held?.close()
      held = undefined
    },
  }
}
