import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { searches } from './app.ts'
import { machine, median } from './machine.ts'
import { load } from './http-load.ts'
import type { Target } from './http-load.ts'

const connections = 64
const roundMs = 3_000
const rounds = 5

interface Case {
  name: string
  path: string
  /** Least share of the bare app's requests per second. */
  target: number
  known: boolean
}

// Linux counts processor time in hundredths of a second.
const ticksPerSecond = 100

/** Seconds of processor time that a process has used so far. */
function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold spaces: fields 14 and 15 of proc(5) are 12 and 13 from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Started in a process of its own, so that the load does not share its thread. */
async function started(side: 'rosterdrop' | 'bare', folder: string, bytes: object) {
  const child = spawn(
    process.execPath,
    ['bench/http-server.ts', side, folder, JSON.stringify(bytes)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  const ready = JSON.parse(line) as { port: number; token: string; runId: string }
  return {
    ...ready,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

const searchRounds = 100
const searchMs = 50

/** A user search over 1,000,000 users, one at a time, as a person or a program asks. */
async function search({ port, token }: { port: number; token: string }): Promise<void> {
  for (const { name, text } of searches) {
    const times: number[] = []
    for (let n = 0; n < searchRounds; n += 1) {
      const begun = performance.now()
      const answer = await fetch(
        `http://127.0.0.1:${port}/users?limit=50&q=${encodeURIComponent(text(n))}`,
        { headers: { authorization: `Bearer ${token}` } },
      )
      const { data } = (await answer.json()) as { data: unknown[] }
      times.push(performance.now() - begun)
      if (data.length === 0) throw new Error(`Cannot measure: nobody is found by ${text(n)}`)
    }
    const p95 = times.toSorted((a, b) => a - b)[Math.floor(searchRounds * 0.95)] ?? 0
    const met = median(times) < searchMs ? 'met' : 'MISSED'
    console.log(
      `GET /users?q=, ${name}, 1,000,000 users: ${median(times).toFixed(1)} ms, p95 ${p95.toFixed(1)} ms (target ${searchMs} ms, ${met})`,
    )
  }
}

/** `npm run bench -- http`: requests per second against a bare Hono app that gives the same bytes, in turns. */
export async function run(): Promise<void> {
  console.log(machine())
  console.log(
    `${connections} connections, medians of ${rounds} rounds of ${roundMs / 1000} s, in turns`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const ours = await started('rosterdrop', folder, {})
  const headers = { authorization: `Bearer ${ours.token}` }
  const cases: Case[] = [
    { name: 'GET /imports/{id}', path: `/imports/${ours.runId}`, target: 0.6, known: false },
    { name: 'GET /imports?limit=50', path: '/imports?limit=50', target: 0.6, known: false },
    { name: 'GET /imports/{id}, 304', path: `/imports/${ours.runId}`, target: 0.8, known: true },
  ]
  const bytes: Record<string, { text: string; etag: string }> = {}
  for (const { path } of cases) {
    const answer = await fetch(`http://127.0.0.1:${ours.port}${path}`, { headers })
    bytes[path] = { text: await answer.text(), etag: answer.headers.get('etag') ?? '' }
  }
  const bare = await started('bare', folder, bytes)
  try {
    for (const one of cases) {
      const etag = bytes[one.path]?.etag ?? ''
      const target = (port: number): Target => ({
        port,
        path: one.path,
        headers: { ...headers, ...(one.known ? { 'if-none-match': etag } : {}) },
        status: one.known ? 304 : 200,
      })
      const mine: number[] = []
      const theirs: number[] = []
      const p99: number[] = []
      const cost: number[] = []
      const spent: number[] = []
      for (let round = 0; round <= rounds; round += 1) {
        const measured = async ({ pid, port }: { pid: number; port: number }) => {
          const before = processorSeconds(pid)
          const result = await load(target(port), { connections, forMs: roundMs })
          const seconds = processorSeconds(pid) - before
          return {
            ...result,
            microseconds: (seconds * 1e6) / (result.perSecond * (roundMs / 1000)),
          }
        }
        const first = await measured(ours)
        const second = await measured(bare)
        // The first round warms both up.
        if (round === 0) continue
        mine.push(first.perSecond)
        theirs.push(second.perSecond)
        p99.push(first.p99Ms)
        cost.push(second.microseconds / first.microseconds)
        spent.push(first.microseconds)
      }
      const ratio = median(mine.map((value, at) => value / (theirs[at] ?? 1)))
      console.log(
        `${one.name}: ${median(mine).toFixed(0)}/s against ${median(theirs).toFixed(0)}/s, ratio ${ratio.toFixed(2)} (target ${one.target}), p99 ${median(p99).toFixed(1)} ms, processor ${median(spent).toFixed(0)} us a request, ratio ${median(cost).toFixed(2)}`,
      )
    }
    await search(ours)
  } finally {
    await Promise.all([ours.stop(), bare.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}
