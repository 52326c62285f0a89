import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startReal } from '../test/listeners/sftp/real.ts'
import { machine, median } from './machine.ts'
import { makeKey, startSshd } from './sshd.ts'

const rounds = 5
const sessionsAtOnce = 100
const sessionsPerAccount = 8

interface Side {
  name: string
  port: number
  /** Of the n-th session. */
  user: (n: number) => string
  /** Where the client puts its files. */
  folder: string
}

interface Case {
  name: string
  /** Ours against theirs, as a share of time: at most this. */
  target: number
  /** Seconds of one round. */
  round: (side: Side) => Promise<number>
}

/** One run of OpenSSH's sftp with `lines` as its batch; resolves to seconds. */
async function sftp(side: Side, n: number, key: string, batch: string): Promise<number> {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option])
  const args = [...options, '-q', '-i', key, '-P', String(side.port), '-b', batch]
  const begun = performance.now()
  const child = spawn('sftp', [...args, `${side.user(n)}@127.0.0.1`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`sftp to ${side.name} ended with ${code}`)
  return (performance.now() - begun) / 1_000
}

function residentMegabytes(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_000
}

/** `npm run bench -- sftp`: the listener on real drop folders against OpenSSH's server, same client, in turns. */
export async function run(): Promise<void> {
  console.log(machine())
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const key = makeKey(folder, 'client')
  const theirFolder = join(folder, 'theirs')
  mkdirSync(theirFolder)
  const accounts = Math.ceil(sessionsAtOnce / sessionsPerAccount)
  const publicKey = readFileSync(`${key}.pub`, 'utf8').trim()
  const our = await startReal({ runtime: 'node', publicKey, accounts })
  const their = await startSshd(folder, key)
  const account = (n: number): string => {
    const index = Math.floor(n / sessionsPerAccount)
    return index === 0 ? 'maple' : `maple${index}`
  }
  const ours: Side = { name: 'ours', port: our.port, user: account, folder: '' }
  const theirs: Side = {
    name: 'OpenSSH',
    port: their.port,
    user: () => their.user,
    folder: `${theirFolder}/`,
  }

  const big = join(folder, 'big.csv.part')
  const ten = join(folder, 'ten.csv.part')
  const eight = join(folder, 'eight.csv.part')
  writeFileSync(big, randomBytes(256 * 2 ** 20))
  writeFileSync(eight, randomBytes(8 * 2 ** 20))
  writeFileSync(ten, randomBytes(10_240))
  const many = join(folder, 'many')
  mkdirSync(many)
  for (let n = 0; n < 1_000; n += 1) {
    writeFileSync(join(many, `f${n}.csv.part`), randomBytes(20_480))
  }

  let batches = 0
  async function put(side: Side, n: number, from: string, to: string): Promise<number> {
    const batch = join(folder, `batch${(batches += 1)}`)
    writeFileSync(batch, `put ${from} ${side.folder}${to}\n`)
    return sftp(side, n, key, batch)
  }

  const cases: Case[] = [
    {
      name: 'one file of 256 MiB',
      target: 1 / 1.2,
      round: (side) => put(side, 0, big, 'big.csv.part'),
    },
    {
      name: '1,000 files of 20 KiB in one session',
      target: 1,
      round: (side) => put(side, 0, `${many}/*`, ''),
    },
    {
      name: 'connect, log in by key, one file of 10 KB, leave',
      target: 0.5,
      round: (side) => put(side, 0, ten, 'ten.csv.part'),
    },
    {
      name: `${sessionsAtOnce} sessions at once, 8 MiB each`,
      target: 1 / 0.8,
      async round(side) {
        const begun = performance.now()
        const times = await Promise.all(
          Array.from({ length: sessionsAtOnce }, (_, n) => put(side, n, eight, `e${n}.csv.part`)),
        )
        const fair = Math.min(...times) > 0 ? median(times) / Math.max(...times) : 0
        if (side === ours) console.log(`  slowest session ${fair.toFixed(2)} of the median`)
        return (performance.now() - begun) / 1_000
      },
    },
  ]

  for (const { name, target, round } of cases) {
    const times = { ours: [] as number[], theirs: [] as number[] }
    // The first round warms both sides up and does not count.
    for (let n = 0; n <= rounds; n += 1) {
      const [ourTime, theirTime] = [await round(ours), await round(theirs)]
      if (n === 0) continue
      times.ours.push(ourTime)
      times.theirs.push(theirTime)
    }
    const [a, b] = [median(times.ours), median(times.theirs)]
    const verdict = a / b <= target ? 'met' : 'MISSED'
    console.log(
      `${name}: ours ${a.toFixed(3)} s, OpenSSH ${b.toFixed(3)} s, ratio of times ${(a / b).toFixed(2)}, target ${target.toFixed(2)}: ${verdict}`,
    )
  }
  const pid = our.process.pid ?? 0
  console.log(
    `RSS ${residentMegabytes(pid, 'VmRSS').toFixed(0)} MB, at most ${residentMegabytes(pid, 'VmHWM').toFixed(0)} MB, target under 400`,
  )
  await our.stop()
  await their.stop()
  rmSync(folder, { recursive: true, force: true })
}
