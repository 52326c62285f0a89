// Starts the listener with a drop folder in memory and prints its port: for clients in other processes,
// and to run it under Deno.
import process from 'node:process'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { startSftpListener } from '../../../src/listeners/sftp/listener.ts'
import { createMemoryDrop } from './memory-drop.ts'

const drop = createMemoryDrop()
const print = (message: string, fields?: Record<string, unknown>): void => {
  console.log(message, fields ?? '')
}
const listener = await startSftpListener({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  hostKey: generateHostKey(),
  doorkeeper: drop,
  log: { debug: print, info: print, warn: print, error: print },
})
console.log(`listening on ${listener.port}`)
process.on('SIGTERM', () => {
  void listener.stop(1_000).then(() => {
    for (const event of drop.events) console.log(event)
    process.exit(0)
  })
})
