import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, backup } from 'node:sqlite'
import type { Database, Directories } from '../opened.ts'
import { openDirectory, openDirectoryReader } from './directory.ts'
import { openState } from './state.ts'

/** The state's file in a data folder. */
export function stateFileIn(folder: string): string {
  return join(folder, 'state.db')
}

const directoryFile = (folder: string, tenantId: string): string =>
  join(folder, 'directory', `${tenantId}.db`)

/** The embedded default: `state.db`, and `directory/<tenant>.db` for each tenant. */
export function openFolder(folder: string): Database {
  const state = openState(stateFileIn(folder))
  return {
    state,
    readDirectory: async (tenantId) => openDirectoryReader(directoryFile(folder, tenantId)),
    secret: undefined,
    async copyDirectory(tenantId, file) {
      if (!existsSync(directoryFile(folder, tenantId))) return false
      const reader = new DatabaseSync(directoryFile(folder, tenantId), { readOnly: true })
      try {
        await backup(reader, file)
        return true
      } finally {
        reader.close()
      }
    },
    close: () => state.close(),
  }
}

/** The directories of that folder, to write to. */
export function directoriesIn(folder: string): Directories {
  return {
    open: async (tenantId) => openDirectory({ file: directoryFile(folder, tenantId), tenantId }),
    async close() {},
  }
}
