import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeLink } from '../routes/console/session.ts'
import { systemClock } from '../src/clock.ts'
import { openDirectoryReader } from '../src/db/sqlite/directory.ts'
import { insertRun } from '../src/db/sqlite/runs.ts'
import { openState } from '../src/db/sqlite/state.ts'
import { newId } from '../src/domain/id.ts'
import { runStates } from '../src/domain/run.ts'
import { silent } from '../test/drop/door.ts'
import { runOf } from '../test/routes/client.ts'
import { addClient, benchApp, fillUsers, searches } from './app.ts'
import { machine, median } from './machine.ts'

const storedRuns = 100_000
const storedUsers = 1_000_000
const clients = 20
const rounds = 100
const dayMs = 86_400_000

interface Case {
  name: string
  /** Milliseconds that it may take; undefined: only shown. */
  target?: number
  /** The path of the n-th round. */
  path: (n: number) => string
}

/** Runs over a hundred days, spread over the clients, in one commit. */
function fillRuns(file: string, tenants: readonly string[]): void {
  const db = new DatabaseSync(file)
  db.exec('BEGIN')
  const begin = Date.now() - 100 * dayMs
  for (let n = 0; n < storedRuns; n += 1) {
    const createdAt = begin + Math.floor((n * 100 * dayMs) / storedRuns)
    const clock = { now: () => createdAt, random: (length: number) => systemClock.random(length) }
    const over = n < storedRuns - 3
    insertRun(
      db,
      runOf({
        id: newId('run', clock),
        tenantId: tenants[n % clients] ?? '',
        filename: `students-of-${n}.csv`,
        // The last ones are under way, so that progress bars are drawn.
        state: over ? (runStates[4 + (n % 2)] ?? 'completed') : 'applying',
        actor: 'maple',
        sizeBytes: 712_331,
        bytesRead: 400_000,
        counts: {
          rows: 4000,
          created: 12,
          updated: 300,
          unchanged: 3650,
          skipped: 2,
          failed: 36,
          deactivated: 0,
        },
        columns: ['UserUUID', 'email', 'username', 'firstName', 'lastName', 'userType'],
        reasons: [{ code: 9033, count: 36 }],
        createdAt,
        startedAt: createdAt + 2_000,
        finishedAt: over ? createdAt + 4_000 : null,
        archivedAt: over ? createdAt + 4_100 : null,
      }),
    )
  }
  db.exec('COMMIT')
  db.close()
}

/** `npm run bench -- console`: pages with much stored, by the app itself, without a socket. */
export async function run(): Promise<void> {
  console.log(machine())
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const stateFile = join(folder, 'state.db')
  const state = openState(stateFile)
  const clock = systemClock
  const tenants = Array.from({ length: clients }, () => newId('tenant', clock))
  for (const [at, id] of tenants.entries()) {
    await addClient(state, id, `Client ${at}`)
  }
  const first = tenants[0] ?? ''
  const file = join(folder, 'directory.db')
  console.log(`storing ${storedRuns} runs and ${storedUsers} users …`)
  fillRuns(stateFile, tenants)
  await fillUsers(file, first, storedUsers)
  const reader = openDirectoryReader(file)

  const app = benchApp({ state, log: silent, openUsers: async () => reader })
  const link = await makeLink(
    { sessions: state.sessions, clock },
    { scope: 'operator', tenantId: null, name: 'bench' },
  )
  const signedIn = await app.request(link, {
    method: 'POST',
    headers: { origin: 'http://localhost' },
  })
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

  const letter = (n: number): string => String.fromCharCode(97 + (n % 26))
  const users = `/console/clients/${first}/users`
  const cases: Case[] = [
    { name: 'imports page', target: 30, path: () => '/console/imports' },
    {
      name: 'imports page of one client',
      target: 30,
      path: (n) => `/console/imports?client=${tenants[n % clients]}`,
    },
    { name: 'imports page, held ones', target: 30, path: () => '/console/imports?state=held' },
    {
      name: 'imports page, file name at the far end',
      path: (n) => `/console/imports?filename=of-${n}.csv`,
    },
    {
      name: "a client's page with its chart",
      path: (n) => `/console/clients/${tenants[n % clients]}`,
    },
    ...searches.map(({ name, text }) => ({
      name: `user search, ${name}`,
      target: 50,
      path: (n: number) => `${users}?q=${encodeURIComponent(text(n))}`,
    })),
    {
      name: 'user search, inactive ones',
      target: 50,
      path: (n) => `${users}?status=inactive&q=${letter(n)}user`,
    },
    { name: 'user list, inactive ones', target: 50, path: () => `${users}?status=inactive` },
  ]
  let missed = false
  console.log(
    '\n| page | median ms | p95 ms | processor ms | may take ms |\n| --- | --- | --- | --- | --- |',
  )
  for (const { name, target, path } of cases) {
    const times: number[] = []
    const cpuBegun = process.cpuUsage()
    for (let n = 0; n < rounds; n += 1) {
      const begun = performance.now()
      const answer = await app.request(path(n), { headers: { cookie } })
      const page = await answer.text()
      times.push(performance.now() - begun)
      if (answer.status !== 200 || !page.includes('</html>'))
        throw new Error(`${path(n)} answered ${answer.status}`)
    }
    const p95 = times.toSorted((a, b) => a - b)[Math.floor(rounds * 0.95)] ?? 0
    // On a machine that is busy otherwise, this is what the page itself costs.
    const { user, system } = process.cpuUsage(cpuBegun)
    const cpu = (user + system) / 1000 / rounds
    missed ||= target !== undefined && median(times) > target
    const shown = [median(times), p95, cpu].map((value) => value.toFixed(1))
    console.log(`| ${name} | ${shown.join(' | ')} | ${target ?? ''} |`)
  }
  await reader?.close()
  await state.close()
  rmSync(folder, { recursive: true, force: true })
  if (missed) throw new Error('A page takes longer than it may')
}
