import { openDirectory } from '../../src/db/sqlite/directory.ts'
import { systemClock } from '../../src/clock.ts'
import { workPath } from '../../src/domain/layout.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import { executeRun } from '../../src/import/execute.ts'
import { newRun } from '../../src/import/queue.ts'
import { openFileStore } from '../../storage/index.ts'
import { writeSparseFile } from './sparse-file.ts'

/** `node memory-child.ts FOLDER [sharing]`: imports the file of sparse-file.ts, prints its counts. */
const [folder = '', kind] = process.argv.slice(2)
const files = await openFileStore(`${folder}/files`)
const directory = openDirectory({ file: `${folder}/maple.db`, tenantId: 'ten_maple' })
const run = newRun(systemClock, {
  tenantId: 'ten_maple',
  filename: 'users.csv',
  source: 'sftp',
  actor: 'maple',
  sourcePath: '',
  sizeBytes: 0,
  sha256: null,
})
const staged = await files.openWrite(workPath(run.tenantId, run.id))
await writeSparseFile(staged, kind === 'sharing')
await staged.commit({ overwrite: false })
const { state } = await executeRun({
  job: {
    run,
    tenant: {
      id: run.tenantId,
      name: 'Maple',
      settings: defaultSettings,
      settingsVersion: 1,
      userTypes: [],
      loginSources: [],
      createdAt: 0,
    },
    previous: null,
  },
  directory,
  files,
  now: () => systemClock.now(),
  hashPassword: async (password) => password,
  onProgress: () => undefined,
  wish: () => 'no',
})
console.log(JSON.stringify(state.counts))
await directory.close()
