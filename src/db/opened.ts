import type { Directory } from '../domain/directory.ts'
import type { StateStore } from '../domain/state.ts'
import type { UserReader } from '../domain/user-reader.ts'

/** What the main thread has of a database. */
export interface Database {
  readonly state: StateStore
  /** Opens a tenant's directory to read beside its writer; undefined while there is none. */
  readDirectory(tenantId: string): Promise<(Directory & UserReader) | undefined>
  /**
   * A secret that every process must have the same of, such as the host key: made once, then kept in the database.
   * Undefined where there is one process only, which has its own files.
   */
  readonly secret: ((name: string, make: () => string) => Promise<string>) | undefined
  /**
   * Copies a tenant's directory, as it is at this moment, into a SQLite file; false while there is none. Undefined
   * where it lies in a database with everything else.
   */
  readonly copyDirectory: ((tenantId: string, file: string) => Promise<boolean>) | undefined
  /** Closes the state too. Idempotent. */
  close(): Promise<void>
}

/** What a worker has of it: directories to write to, one at a time. */
export interface Directories {
  open(tenantId: string): Promise<Directory>
  close(): Promise<void>
}
