import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import { denoProgram, top } from '../support/server.ts'
import type { Runtime } from '../support/server.ts'
import { scenarios } from './crash-scenarios.ts'
import { openHouse } from './house.ts'

const programs = postgresPrograms()

/** Every crash point, and what is going on when it is passed. */
const points: Readonly<Record<string, keyof typeof scenarios>> = {
  'after-claim': 'mixed',
  'after-move': 'mixed',
  'after-scan': 'mixed',
  'after-batch': 'large',
  'after-rows': 'large',
  'before-outcome': 'mixed',
  'after-outcome': 'mixed',
  'after-report': 'mixed',
  'after-mirror': 'mixed',
  'after-outbox': 'mixed',
  'after-archive': 'mixed',
  'after-scrub': 'refused',
  'after-close': 'rejected',
  'after-body': 'submitted',
  'after-copy': 'retried',
  'after-revert': 'reverted',
  'after-notice': 'noticed',
}

const scratch = mkdtempSync(join(tmpdir(), 'rosterdrop-crash-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const folderOf = (name: string): string => join(scratch, name)

/** Which process is killed, and the database that it works on: SQLite in the folder when not given. */
interface Place {
  runtime?: Runtime
  databaseUrl?: string
}

/** Runs the scenario in a process of its own; resolves to the signal that ended it. */
async function child(
  folder: string,
  scenario: string,
  point: string,
  { runtime = 'node', databaseUrl }: Place = {},
): Promise<string | null> {
  const [program, ...flags] = runtime === 'node' ? [process.execPath] : [denoProgram(), 'run', '-A']
  const script = join(import.meta.dirname, 'crash-child.ts')
  const started = spawn(
    program ?? '',
    [...flags, script, folder, scenario, ...(databaseUrl === undefined ? [] : [databaseUrl])],
    {
      cwd: top,
      env: { ...process.env, ROSTERDROP_CRASH_POINT: point },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const said: Buffer[] = []
  started.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  await once(started, 'close')
  const { exitCode, signalCode } = started
  if (signalCode === null && exitCode !== 0) throw new Error(Buffer.concat(said).toString())
  return signalCode
}

/** Does the same in this process, and looks at what there is in the end. */
async function finished(folder: string, scenario: string, { databaseUrl }: Place = {}) {
  const house = await openHouse(folder, databaseUrl === undefined ? {} : { databaseUrl })
  await house.start()
  await scenarios[scenario]?.act?.(house)
  await house.idle()
  const picture = await house.picture()
  const versions = (await house.runs()).map(({ id, version }) => ({ id, version }))
  await house.close()
  return { picture, versions }
}

describe('a process killed at a crash point', () => {
  const used = [...new Set(Object.values(points))]
  const expected = new Map<string, Awaited<ReturnType<typeof finished>>['picture']>()

  beforeAll(async () => {
    for (const name of used) {
      const house = await openHouse(folderOf(name))
      await scenarios[name]?.prepare(house)
      await house.close()
      cpSync(folderOf(name), folderOf(`${name}-undisturbed`), { recursive: true })
      expected.set(name, (await finished(folderOf(`${name}-undisturbed`), name)).picture)
    }
  }, 120_000)

  test('every crash point of the sources is in the table', () => {
    const sources = join(import.meta.dirname, '..', '..', 'src', 'import')
    const named = readdirSync(sources).flatMap((file) =>
      [...readFileSync(join(sources, file), 'utf8').matchAll(/crashPoint\('([^']+)'\)/g)].map(
        (match) => match[1] ?? '',
      ),
    )
    expect(new Set(named)).toEqual(new Set(Object.keys(points)))
    expect(named.length).toBeGreaterThan(12)
  })

  test.each(Object.entries(points))(
    '%s (%s) leaves nothing lost, double or stuck after a restart',
    async (point, name) => {
      const folder = folderOf(point)
      cpSync(folderOf(name), folder, { recursive: true })
      expect(await child(folder, name, point)).toBe('SIGKILL')
      const after = await finished(folder, name)
      expect(after.picture).toEqual(expected.get(name))
      // A second start changes nothing.
      expect(await finished(folder, name)).toEqual(after)
    },
    60_000,
  )

  test.each(['after-claim', 'after-batch', 'after-mirror'])(
    '%s under Deno leaves nothing lost, double or stuck after a restart',
    async (point) => {
      const name = points[point] ?? ''
      const folder = folderOf(`${point}-deno`)
      cpSync(folderOf(name), folder, { recursive: true })
      expect(await child(folder, name, point, { runtime: 'deno' })).toBe('SIGKILL')
      const after = await finished(folder, name)
      expect(after.picture).toEqual(expected.get(name))
      expect(await finished(folder, name)).toEqual(after)
    },
    60_000,
  )

  describe.skipIf(programs === undefined)('with PostgreSQL', () => {
    let cluster: Cluster

    beforeAll(async () => {
      cluster = await startPostgres(programs ?? '')
    }, 60_000)
    afterAll(() => cluster.remove())

    test.each(['after-claim', 'after-batch', 'before-outcome', 'after-mirror'])(
      '%s leaves nothing lost, double or stuck after a restart, and what there is with SQLite',
      async (point) => {
        const name = points[point] ?? ''
        const place = { databaseUrl: await cluster.database() }
        const folder = folderOf(`${point}-postgres`)
        const house = await openHouse(folder, place)
        await scenarios[name]?.prepare(house)
        await house.close()
        expect(await child(folder, name, point, place)).toBe('SIGKILL')
        const after = await finished(folder, name, place)
        expect(after.picture).toEqual(expected.get(name))
        expect(await finished(folder, name, place)).toEqual(after)
      },
      90_000,
    )
  })
})
