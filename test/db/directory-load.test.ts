import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll } from 'vitest'
import { openDirectory } from '../../src/db/sqlite/directory.ts'
import { loadContract } from './load-contract.ts'
import type { LoadedDirectory } from './load-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0

/** A directory of its own, and the statements that make its indexes. */
async function fresh(): Promise<LoadedDirectory> {
  files += 1
  const tenantId = `ten_load_${files}`
  const file = join(folder, `${tenantId}.db`)
  const open = async () => openDirectory({ file, tenantId })
  const indexes = async (): Promise<string[]> => {
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = db
      .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users'")
      .all()
    db.close()
    return rows.map(({ sql }) => String(sql)).toSorted()
  }
  await (await open()).close()
  const all = await indexes()
  return { open, indexes, all, loaded: async () => (await indexes()).length === 0 }
}

loadContract('SQLite', { fresh, enough: 20_000, refusal: 'UNIQUE' })
