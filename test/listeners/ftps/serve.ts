// The FTPS listener on the real drop folders, disk and state database, as a process of its own: for real
// clients, for Deno, and to be measured. Arguments: data folder, accounts, bytes that the disk takes a second (0: as
// many as it does).
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { generateCertificate } from '../../../src/certificate.ts'
import { systemClock } from '../../../src/clock.ts'
import { openState } from '../../../src/db/sqlite/state.ts'
import { createDoorkeeper } from '../../../src/drop/doorkeeper.ts'
import { startFtpsListener } from '../../../src/listeners/ftps/listener.ts'
import { openFileStore } from '../../../storage/index.ts'
import { addClient } from '../../drop/door.ts'
import { slowStore } from '../../drop/slow-store.ts'

const [folder = '', accounts = '1', bytesPerSecond = '0'] = process.argv.slice(2)
const print = (message: string, fields?: Record<string, unknown>): void => {
  console.log(message, fields ?? '')
}
const log = { debug: print, info: print, warn: print, error: print }
const state = openState(join(folder, 'state.db'))
const disk = await openFileStore(folder)
const files = bytesPerSecond === '0' ? disk : slowStore(disk, Number(bytesPerSecond))
for (let n = 0; n < Number(accounts); n += 1) {
  await addClient(state, n === 0 ? 'maple' : `maple${n}`)
}
const certificate = await generateCertificate('localhost', Date.now())
writeFileSync(join(folder, 'tls.crt'), certificate.cert)
const listener = await startFtpsListener({
  host: '127.0.0.1',
  explicitPort: 0,
  implicitPort: 0,
  certificate,
  passive: { ports: { first: 46_000, last: 49_999 }, announced: null },
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
console.log(`listening on ${listener.explicitPort} ${listener.implicitPort}`)

async function stop(): Promise<void> {
  await listener.stop(2_000)
  await files.close()
  await state.close()
  process.exit(0)
}
process.on('SIGTERM', () => void stop())
