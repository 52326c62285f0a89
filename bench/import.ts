import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { duckdb } from './import/duckdb.ts'
import { oursOnPostgres } from './import/ours-postgres.ts'
import { ours } from './import/ours.ts'
import type { Ours } from './import/ours.ts'
import { psql } from './import/psql.ts'
import { python } from './import/python.ts'
import { badEvery, changedEvery, writeFile } from './import/rows.ts'
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
    const times = new Map<Side, number[]>(sides.map((side) => [side, []]))
    for (let round = 0; round < rounds; round += 1) {
      for (const side of sides) {
        if (kind.fresh) await side.reset()
        const work = await side.prepare(files[kind.file(round)])
        const begun = performance.now()
        await work()
        times.get(side)?.push((performance.now() - begun) / 1000)
        await checkWork(side, rows, name)
      }
    }
    const own = median(times.get(us) ?? [])
    const rate = Math.round(rows / own).toLocaleString('en')
    console.log(
      `${kind.what}, ${rows.toLocaleString('en')} rows: ours ${seconds(own)}, ${rate} rows/s`,
    )
    for (const [side, taken] of times) {
      if (side === us) continue
      const target = kind.targets[side.name]?.[rows]
      const ratio = median(taken) / own
      const verdict =
        target === undefined ? '' : `, target ${target}: ${ratio >= target ? 'met' : 'MISSED'}`
      console.log(
        `  ${side.name} ${seconds(median(taken))}: ours ${ratio.toFixed(2)} times as fast${verdict}`,
      )
    }
  } finally {
    for (const side of sides) await side.close()
    rmSync(folder, { recursive: true, force: true })
  }
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
  for (const name of values.case ?? Object.keys(cases)) {
    for (const rows of sizes) {
      await measure(name, rows, { rounds: Number(values.rounds), only: values.peer, db: values.db })
    }
  }
}
