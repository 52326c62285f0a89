import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { removeFolder, startServer } from '../test/support/server.ts'
import { machine, median } from './machine.ts'

const rounds = 7
// Long enough for the start's garbage to be collected as it would be in service.
const idleMs = 3_000

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) * 1024
}

/** `npm run bench -- start`: from the start of the process to all listeners ready, and memory when idle. */
export async function run(): Promise<void> {
  console.log(machine())
  for (const kind of ['first start (keys and databases are made)', 'later start'] as const) {
    const ready: number[] = []
    const idle: number[] = []
    let kept: string | undefined
    if (kind === 'later start') kept = await prepared()
    for (let round = 0; round < rounds; round += 1) {
      const begun = performance.now()
      const server = await startServer(kept === undefined ? {} : { dataFolder: kept })
      ready.push(performance.now() - begun)
      await pause(idleMs)
      idle.push(residentBytes(server.process.pid ?? 0))
      await server.stop()
      if (kept === undefined) removeFolder(server.dataFolder)
    }
    if (kept !== undefined) removeFolder(kept)
    const megabytes = median(idle) / 1e6
    console.log(`${kind}: ready in ${median(ready).toFixed(0)} ms, target under 1000`)
    console.log(`${kind}: idle RSS ${megabytes.toFixed(0)} MB, target under 130`)
  }
}

async function prepared(): Promise<string> {
  const server = await startServer()
  await server.stop()
  return server.dataFolder
}
