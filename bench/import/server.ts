import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { addTenant, request, runsOf, withSftp } from '../../test/support/client.ts'
import type { TestTenant } from '../../test/support/client.ts'
import { removeFolder, startServer } from '../../test/support/server.ts'
import type { StartedServer } from '../../test/support/server.ts'
import { badEvery } from './rows.ts'

/** What a server showed while it imported a file. */
export interface Watched {
  seconds: number
  peakMegabytes: number
  /** When the file was uploaded and its import had not begun. */
  beforeMegabytes: number
  /** Milliseconds, of 99 of a hundred requests at most, and what its main thread was late by. */
  idle: { http: number; delay: number }
  busy: { http: number; delay: number }
}

const delayFile = join(tmpdir(), `rosterdrop-delay-${process.pid}`)
const uploader = join(import.meta.dirname, 'uploads.ts')
const pollMs = 20
const idleMs = 10_000

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0
}

/** True once `work` has ended, in whatever way. */
function overAfter(work: Promise<unknown>): () => boolean {
  let over = false
  const end = (): void => void (over = true)
  work.then(end, end)
  return () => over
}

/** Polls the service until `until` is over; the time that answers took. */
async function poll(server: StartedServer, tenant: TestTenant, until: Promise<unknown>) {
  const times: number[] = []
  const over = overAfter(until)
  server.process.kill('SIGUSR2')
  while (!over()) {
    for (const path of ['/livez', '/imports?limit=1']) {
      const begun = performance.now()
      await (await request(server, tenant, path)).arrayBuffer()
      times.push(performance.now() - begun)
    }
    await pause(pollMs)
  }
  return { http: percentile99(times), delay: Number(readFileSync(delayFile, 'utf8')) }
}

/** The most memory since it was last reset. */
function peakOf(server: StartedServer): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_000
}

async function imported(server: StartedServer, tenant: TestTenant, rows: number): Promise<void> {
  for (;;) {
    const [run] = await runsOf(server, tenant)
    if (run?.state === 'completed_with_failures') {
      if (run.counts['rows'] !== rows || run.counts['failed'] !== rows / badEvery) {
        throw new Error(`The run has counted ${JSON.stringify(run.counts)}`)
      }
      return
    }
    if (run !== undefined && ['failed', 'cancelled', 'duplicate'].includes(run.state)) {
      throw new Error(`The run is ${run.state}`)
    }
    await pause(250)
  }
}

/** A real server that is sent `file` by SFTP and imports it, while it is polled and another upload goes on. */
export async function watchServer(file: string, rows: number): Promise<Watched> {
  const hook = pathToFileURL(join(import.meta.dirname, 'delay.ts')).href
  const server = await startServer({
    env: { NODE_OPTIONS: `--import=${hook}`, BENCH_DELAY_FILE: delayFile },
  })
  try {
    const tenant = await addTenant(server)
    await pause(2_000)
    const idle = await poll(server, tenant, pause(idleMs))
    await withSftp(server, tenant, (client) => client.fastPut(file, '/users.csv'))
    // The peak from here on.
    writeFileSync(`/proc/${server.process.pid}/clear_refs`, '5')
    const beforeMegabytes = peakOf(server)
    const begun = performance.now()
    const ended = imported(server, tenant, rows)
    const uploads = spawn(
      process.execPath,
      [uploader, String(server.sftpPort), tenant.login, tenant.password],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const busy = await poll(server, tenant, ended)
    await ended
    const seconds = (performance.now() - begun) / 1000
    uploads.kill()
    await once(uploads, 'exit')
    const peakMegabytes = peakOf(server)
    return { seconds, peakMegabytes, beforeMegabytes, idle, busy }
  } finally {
    await server.stop()
    removeFolder(server.dataFolder)
    rmSync(delayFile, { force: true })
  }
}
