import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { duckdb } from './import/duckdb.ts'
import { oursOnPostgres } from './import/ours-postgres.ts'
import { limitsOf } from './import/limits.ts'
import { ours } from './import/ours.ts'
import type { Ours } from './import/ours.ts'
import { psql } from './import/psql.ts'
import { progressCost } from './import/progress.ts'
import { readings } from './import/reading.ts'
import { python } from './import/python.ts'
import { badEvery, changedEvery, writeFile } from './import/rows.ts'
import { watchServer } from './import/server.ts'
import type { Side } from './import/side.ts'
import { sqliteShell } from './import/sqlite-shell.ts'
import { typicalNode } from './import/typical.ts'
import { machine, median } from './machine.ts'

/** A comparison with peers; `targets` by their names: ours is to be at least so many times as fast. */
interface PeerCase {
  readonly what: string
  /** Which peers, and what is asked for at how many rows. */
  readonly targets: Readonly<Record<string, Readonly<Record<number, number>>>>
  /** From an empty directory each time. */
  readonly fresh: boolean
  /** The file of the n-th import after the first load. */
  readonly file: (round: number) => 'base' | 'changed'
}

const cases: Readonly<Record<string, PeerCase>> = {
  first: {
    what: 'first load',
    targets: {
      'sqlite3 shell': { 100_000: 0.8, 1_000_000: 1 },
      DuckDB: {},
      'psql \\copy': { 1_000_000: 1.2 },
      'Python csv + sqlite3': { 1_000_000: 1.2 },
      'typical Node importer': { 100_000: 2 },
    },
    fresh: true,
    file: () => 'base',
  },
  nightly: {
    what: 'nightly file, nothing changed',
    targets: {
      'sqlite3 shell': { 100_000: 4, 1_000_000: 10 },
      DuckDB: { 100_000: 2, 1_000_000: 2 },
    },
    fresh: false,
    file: () => 'base',
  },
  changed: {
    what: 'nightly file, 1 % changed',
    targets: { 'sqlite3 shell': { 1_000_000: 5 }, DuckDB: { 1_000_000: 1.5 } },
    fresh: false,
    file: (round) => (round % 2 === 0 ? 'changed' : 'base'),
  },
}

/** With `--db postgres`: psql on a server of the same kind, and the same files. */
const postgresTargets: Readonly<Record<string, PeerCase['targets']>> = {
  first: { 'psql \\copy': { 1_000_000: 1 } },
  nightly: { 'psql \\copy': { 1_000_000: 8 } },
  changed: { 'psql \\copy': { 1_000_000: 4 } },
}

const peers: Readonly<Record<string, (folder: string) => Side | Promise<Side>>> = {
  'sqlite3 shell': sqliteShell,
  DuckDB: duckdb,
  'psql \\copy': psql,
  'Python csv + sqlite3': python,
  'typical Node importer': typicalNode,
}

interface Files {
  base: string
  changed: string
}

function seconds(value: number): string {
  return `${value.toFixed(value < 1 ? 3 : 2)} s`
}

// USER_HZ, which is 100 on every Linux that Node runs on.
const tickSeconds = 0.01

/** Processor time of this process and its children so far: on a busy machine it says more than the clock. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ')
  const [childUser, childSystem] = fields.split(' ').slice(13, 15).map(Number)
  return (user + system) / 1e6 + ((childUser ?? 0) + (childSystem ?? 0)) * tickSeconds
}

interface Taken {
  clock: number[]
  processor: number[]
}

/** Fails when a side did not do what is measured. */
async function checkWork(side: Side, rows: number, what: string): Promise<void> {
  const bad = rows / badEvery
  const users = await side.users()
  const expected = 'last' in side ? rows - bad : rows
  if (users !== expected) throw new Error(`${side.name} has ${users} users, not ${expected}`)
  const { last } = side as Partial<Ours>
  if (last === undefined) return
  const { counts } = last.state
  const wanted = {
    first: { created: rows - bad },
    nightly: { unchanged: rows - bad },
    changed: { updated: rows / changedEvery },
  }[what]
  for (const [name, count] of Object.entries({ rows, failed: bad, ...wanted })) {
    const found = Object.entries(counts).find(([key]) => key === name)?.[1]
    if (found !== count) throw new Error(`ours: ${name} is ${found}, not ${count}`)
  }
}

interface Asked {
  rounds: number
  only: string[]
  db: string
}

async function measure(name: string, rows: number, { rounds, only, db }: Asked): Promise<void> {
  const found = cases[name]
  if (found === undefined) throw new Error(`Cannot measure "${name}"`)
  const kind = db === 'postgres' ? { ...found, targets: postgresTargets[name] ?? {} } : found
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const files: Files = { base: join(folder, 'base.csv'), changed: join(folder, 'changed.csv') }
  writeFile(files.base, { rows })
  writeFile(files.changed, { rows, changed: true })
  const us = ours(join(folder, 'ours'), db === 'postgres' ? await oursOnPostgres() : undefined)
  const sides: Side[] = [us]
  try {
    for (const peer of Object.keys(kind.targets)) {
      if (only.length > 0 && !only.some((word) => peer.includes(word))) continue
      const open = peers[peer]
      if (open !== undefined) sides.push(await open(join(folder, `peer${sides.length}`)))
    }
    if (!kind.fresh) {
      for (const side of sides) {
        await side.reset()
        await (
          await side.prepare(files.base)
        )()
      }
    }
    const times = new Map<Side, Taken>(sides.map((side) => [side, { clock: [], processor: [] }]))
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) {
        if (kind.fresh) await side.reset()
        const work = await side.prepare(files[kind.file(round)])
        const [begun, before] = [performance.now(), processorSeconds()]
        await work()
        times.get(side)?.clock.push((performance.now() - begun) / 1000)
        times.get(side)?.processor.push(processorSeconds() - before)
        await checkWork(side, rows, name)
      }
    }
    const taken = times.get(us)
    const own = median(taken?.clock ?? [])
    const ownProcessor = median(taken?.processor ?? [])
    const rate = Math.round(rows / own).toLocaleString('en')
    console.log(
      `${kind.what}, ${rows.toLocaleString('en')} rows: ours ${seconds(own)}, ${rate} rows/s, processor ${seconds(ownProcessor)}`,
    )
    for (const [side, { clock, processor }] of times) {
      if (side === us) continue
      const target = kind.targets[side.name]?.[rows]
      const ratio = median(clock) / own
      const judged = target === undefined ? '' : `, target ${target}: ${verdict(ratio >= target)}`
      console.log(
        `  ${side.name} ${seconds(median(clock))}: ours ${ratio.toFixed(2)} times as fast${judged}; processor ${seconds(median(processor))}, ${(median(processor) / ownProcessor).toFixed(2)} times ours`,
      )
    }
  } finally {
    for (const side of sides) await side.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const verdict = (met: boolean): string => (met ? 'met' : 'MISSED')

/** Reading alone: every row as cells. */
async function read(rows: number, rounds: number): Promise<void> {
  await inFolder(async (folder) => {
    const file = join(folder, 'base.csv')
    writeFile(file, { rows })
    const times = new Map<string, number[]>(readings.map(({ name }) => [name, []]))
    // The first does not count: all of the code is new in it.
    for (let round = -1; round < rounds; round += 1) {
      for (const { name, read: readAll } of readings) {
        const begun = performance.now()
        const found = await readAll(file)
        if (round >= 0) times.get(name)?.push((performance.now() - begun) / 1000)
        if (found !== rows) throw new Error(`${name} read ${found} rows of ${rows}`)
      }
    }
    const own = median(times.get('ours') ?? [])
    console.log(`reading alone, ${rows.toLocaleString('en')} rows: ours ${seconds(own)}`)
    for (const { name, target } of readings.slice(1)) {
      const ratio = median(times.get(name) ?? []) / own
      console.log(
        `  ${name}: ours ${ratio.toFixed(2)} times as fast, target ${target}: ${verdict(ratio >= target)}`,
      )
    }
  })
}

const quotesLimit = 1.2

/** A first load of a clean file, and of one with three stray quotes. */
async function quotes(rows: number, rounds: number): Promise<void> {
  await inFolder(async (folder) => {
    const us = ours(join(folder, 'ours'))
    const times: Record<'clean' | 'stray', number[]> = { clean: [], stray: [] }
    const files = { clean: join(folder, 'clean.csv'), stray: join(folder, 'stray.csv') }
    writeFile(files.clean, { rows })
    writeFile(files.stray, { rows, strayQuotes: 3 })
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of ['clean', 'stray'] as const) {
        await us.reset()
        const work = await us.prepare(files[kind])
        const begun = performance.now()
        await work()
        times[kind].push((performance.now() - begun) / 1000)
        const failed = rows / badEvery + (kind === 'stray' ? 3 : 0)
        const counts = us.last?.state.counts
        if (counts?.rows !== rows || counts.failed !== failed) {
          throw new Error(`${kind}: ${JSON.stringify(counts)}`)
        }
      }
    }
    const ratio = median(times.stray) / median(times.clean)
    console.log(
      `three stray quotes, ${rows.toLocaleString('en')} rows: ${ratio.toFixed(2)} of the time of a clean file, target ${quotesLimit}: ${verdict(ratio <= quotesLimit)}`,
    )
  })
}

const [mostMegabytes, mostMs, mostTimesIdle] = [250, 10, 3]

/** Memory of a real server, and how it answers, while it imports; one round. */
async function server(rows: number): Promise<void> {
  await inFolder(async (folder) => {
    const file = join(folder, 'base.csv')
    writeFile(file, { rows })
    const {
      seconds: taken,
      peakMegabytes,
      beforeMegabytes,
      idle,
      busy,
    } = await watchServer(file, rows)
    const most = rows > 1_000_000 ? mostMegabytes * 1.1 : mostMegabytes
    console.log(`a server imports ${rows.toLocaleString('en')} rows in ${seconds(taken)}`)
    console.log(
      `  peak RSS ${peakMegabytes.toFixed(0)} MB, ${beforeMegabytes.toFixed(0)} MB after the upload, target under ${most}: ${verdict(peakMegabytes < most)}`,
    )
    for (const kind of ['http', 'delay'] as const) {
      const what = kind === 'http' ? 'HTTP p99' : 'event-loop delay p99 of the main thread'
      const met = busy[kind] <= mostMs && busy[kind] <= mostTimesIdle * idle[kind]
      console.log(
        `  ${what} ${busy[kind].toFixed(1)} ms, idle ${idle[kind].toFixed(1)} ms, target ${mostMs} ms and ${mostTimesIdle} times idle: ${verdict(met)}`,
      )
    }
  })
}

/** What the disk and the file take alone. */
async function limits(rows: number): Promise<void> {
  await inFolder(async (folder) => {
    const file = join(folder, 'base.csv')
    writeFile(file, { rows })
    const found = await limitsOf(folder, file)
    console.log(
      `limits, ${rows.toLocaleString('en')} rows: first load ${seconds(found.loadSeconds)}`,
    )
    console.log(
      `  reading the bytes ${seconds(found.readSeconds)}; writing ${found.megabytes.toFixed(0)} MB of directory twice ${seconds(found.writeSeconds)}; one fsync ${seconds(found.syncSeconds)}`,
    )
  })
}

const mostOfProgress = 0.01

/** What it costs to show how far a first load is. */
async function progress(rows: number): Promise<void> {
  await inFolder(async (folder) => {
    const file = join(folder, 'base.csv')
    writeFile(file, { rows })
    const { seconds: taken, times, share } = await progressCost(folder, file)
    console.log(
      `progress of ${rows.toLocaleString('en')} rows: shown ${times} times in ${seconds(taken)}, ${(share * 100).toFixed(2)} % of the run, target under 1 %: ${verdict(share < mostOfProgress)}`,
    )
  })
}

const others: Readonly<Record<string, (rows: number, rounds: number) => Promise<void>>> = {
  read,
  quotes,
  server,
  limits,
  progress,
}

/** `npm run bench -- import [--rows N] [--case NAME] [--rounds N] [--peer NAME] [--db postgres]`: the import against its peers, paired. */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', multiple: true },
      case: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '5' },
      peer: { type: 'string', multiple: true, default: [] },
      db: { type: 'string', default: 'sqlite' },
    },
  })
  console.log(machine())
  const sizes = (values.rows ?? ['10000', '100000', '1000000']).map(Number)
  const rounds = Number(values.rounds)
  for (const name of values.case ?? [...Object.keys(cases), ...Object.keys(others)]) {
    for (const rows of sizes) {
      const other = others[name]
      if (other === undefined)
        await measure(name, rows, { rounds, only: values.peer, db: values.db })
      else await other(rows, rounds)
    }
  }
}
