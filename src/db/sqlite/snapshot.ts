import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, backup } from 'node:sqlite'
import { AppError } from '../../domain/error.ts'
import { stateFileIn } from './folder.ts'

/** The databases of a folder as they were at one moment, whatever is written meanwhile. */
export interface Snapshot {
  /** Copies them to another folder, under the same names; resolves to these. */
  copyTo(folder: string): Promise<string[]>
  close(): void
}

// Longer than a batch of an import writes.
const lockMs = 10_000

const directoryFolder = 'directory'

function namesIn(folder: string): string[] {
  const directories = join(folder, directoryFolder)
  const tenants = existsSync(directories) ? readdirSync(directories) : []
  return [
    ...tenants.filter((name) => name.endsWith('.db')).map((name) => join(directoryFolder, name)),
    // Last: the doors wait for it, and a batch in a directory may take a while.
    stateFileIn('.'),
  ]
}

function lock(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: lockMs })
  try {
    db.exec('BEGIN IMMEDIATE')
    return db
  } catch (error) {
    db.close()
    throw new AppError('unavailable', 'Cannot back up: a database is busy, try again', {
      cause: error,
    })
  }
}

/**
 * Pins the databases of `folder` while nobody writes to any of them, and does `whileStill` in that moment.
 *
 * What `whileStill` sees of the files is then what a kill in this moment would have left, and a start on both goes on
 * from there as it does after a kill.
 */
export function takeSnapshot(folder: string, whileStill: () => void): Snapshot {
  const locks = new Map<string, DatabaseSync>()
  const readers = new Map<string, DatabaseSync>()
  const close = (): void => {
    for (const reader of readers.values()) reader.close()
    readers.clear()
  }
  try {
    for (const name of namesIn(folder)) locks.set(name, lock(join(folder, name)))
    // A client's first import may have made its directory before the state was locked.
    for (const name of namesIn(folder)) {
      if (!locks.has(name)) locks.set(name, lock(join(folder, name)))
    }
    for (const name of locks.keys()) {
      const reader = new DatabaseSync(join(folder, name), { readOnly: true })
      readers.set(name, reader)
      reader.exec('BEGIN')
      // A read transaction begins with the first reading.
      reader.prepare('SELECT count(*) FROM sqlite_master').get()
    }
    whileStill()
  } catch (error) {
    close()
    throw error
  } finally {
    for (const held of locks.values()) held.close()
  }
  return {
    async copyTo(target) {
      mkdirSync(join(target, directoryFolder), { recursive: true, mode: 0o700 })
      for (const [name, reader] of readers) {
        const path = join(target, name)
        await backup(reader, path)
        const copy = new DatabaseSync(path)
        // One file instead of three, which it stays until it is opened by the server.
        copy.exec('PRAGMA journal_mode = DELETE')
        const check = copy.prepare('PRAGMA quick_check').get()?.['quick_check']
        copy.close()
        if (check !== 'ok') throw new Error(`The copy of ${name} is broken: ${String(check)}`)
      }
      return [...readers.keys()]
    },
    close,
  }
}
