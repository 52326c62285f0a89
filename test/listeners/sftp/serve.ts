// The SFTP listener on the real drop folders, disk and state database, as a process of its own: for real
// clients, for Deno, and to be measured. Arguments: data folder, public key line of the account, accounts,
// bytes that the disk takes a second (0: as many as it does).
import { join } from 'node:path'
import process from 'node:process'
import { systemClock } from '../../../src/clock.ts'
import { openState } from '../../../src/db/sqlite/state.ts'
import { createDoorkeeper } from '../../../src/drop/doorkeeper.ts'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { startSftpListener } from '../../../src/listeners/sftp/listener.ts'
import { openFileStore } from '../../../storage/index.ts'
import { addClient } from '../../drop/door.ts'
import { slowStore } from '../../drop/slow-store.ts'

const [folder = '', keyLine = '', accounts = '1', bytesPerSecond = '0'] = process.argv.slice(2)
const [algorithm = '', blob = ''] = keyLine.split(' ')
const print = (message: string, fields?: Record<string, unknown>): void => {
  console.log(message, fields ?? '')
}
const log = { debug: print, info: print, warn: print, error: print }
const state = openState(join(folder, 'state.db'))
const disk = await openFileStore(folder)
const files = bytesPerSecond === '0' ? disk : slowStore(disk, Number(bytesPerSecond))
for (let n = 0; n < Number(accounts); n += 1) {
  await addClient(state, n === 0 ? 'maple' : `maple${n}`, {
    keys: keyLine === '' ? [] : [{ algorithm, blob, comment: '' }],
  })
}
const listener = await startSftpListener({
  host: '127.0.0.1',
  port: 0,
  hostKey: generateHostKey(),
  doorkeeper: createDoorkeeper({
    state,
    files,
    clock: systemClock,
    log,
    onCommit: () => undefined,
    allowList: ['127.0.0.1'],
  }),
  log,
})
console.log(`listening on ${listener.port} ${listener.fingerprint}`)

async function stop(): Promise<void> {
  await listener.stop(2_000)
  await files.close()
  await state.close()
  process.exit(0)
}
process.on('SIGTERM', () => void stop())
