import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { password } from '../test/drop/door.ts'
import { startReal } from '../test/listeners/sftp/real.ts'
import { emptyDisk, machine, median } from './machine.ts'
import { makeKey, startSshd } from './sshd.ts'

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
  /** To be asked for on the command line. */
  word: string
  /** Ours against theirs, as a share of time: at most this. */
  target: number
  /** Seconds of one round. */
  round: (side: Side) => Promise<number>
}

interface Login {
  /** Path of a private key. */
  key: string
  /** Path of a program that prints the password: it is used instead of the key. */
  askpass?: string
}

/** One run of OpenSSH's sftp with the lines of `batch`; resolves to seconds. */
export async function sftp(
  side: Side,
  user: string,
  { key, askpass }: Login,
  batch: string,
): Promise<number> {
  const method =
    askpass === undefined ? ['BatchMode=yes', 'IdentitiesOnly=yes'] : ['PubkeyAuthentication=no']
  const options = [
    ...method,
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option])
  // -b sets BatchMode, which asks for no password: the lines come by standard input there.
  const lines = askpass === undefined ? ['-b', batch, '-i', key] : []
  const args = [...options, '-q', ...lines, '-P', String(side.port)]
  const begun = performance.now()
  const child = spawn(
    'sh',
    ['-c', `exec sftp "$@" <"${batch}"`, 'sftp', ...args, `${user}@127.0.0.1`],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, SSH_ASKPASS: askpass ?? '', SSH_ASKPASS_REQUIRE: 'force' },
    },
  )
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`sftp to ${side.name} ended with ${code}`)
  return (performance.now() - begun) / 1_000
}

function residentMegabytes(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_000
}

/**
 * `npm run bench -- sftp [case …] [rounds=N]`: the listener on real drop folders, with durable commits, against OpenSSH's
 * server, same client, in turns.
 */
export async function run(args: string[]): Promise<void> {
  console.log(machine())
  const wanted = args.filter((word) => !word.startsWith('rounds='))
  const rounds = Number(args.find((word) => word.startsWith('rounds='))?.slice(7) ?? 5)
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const key = makeKey(folder, 'client')
  const theirFolder = join(folder, 'theirs')
  mkdirSync(theirFolder)
  const accounts = Math.max(Math.ceil(sessionsAtOnce / sessionsPerAccount), rounds + 2)
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

  const askpass = join(folder, 'askpass')
  writeFileSync(askpass, `#!/bin/sh\necho '${password}'\n`, { mode: 0o700 })
  const big = join(folder, 'big.csv')
  const ten = join(folder, 'ten.csv')
  const eight = join(folder, 'eight.csv')
  writeFileSync(big, randomBytes(256 * 2 ** 20))
  writeFileSync(eight, randomBytes(8 * 2 ** 20))
  writeFileSync(ten, randomBytes(10_240))
  const many = join(folder, 'many')
  mkdirSync(many)
  for (let n = 0; n < 1_000; n += 1) {
    writeFileSync(join(many, `f${n}.csv`), randomBytes(20_480))
  }

  let batches = 0
  async function told(side: Side, user: string, lines: string, login: Login): Promise<number> {
    const batch = join(folder, `batch${(batches += 1)}`)
    writeFileSync(batch, `${lines}\n`)
    return sftp(side, user, login, batch)
  }
  function put(side: Side, n: number, from: string, to: string): Promise<number> {
    return told(side, side.user(n), `put ${from} ${side.folder}${to}`, { key })
  }
  /** Ours by password of the n-th account; theirs by key, which costs them less than a password would. */
  function putByPassword(side: Side, n: number): Promise<number> {
    if (side === theirs) return put(side, 0, ten, 'ten.csv')
    return told(side, n === 0 ? 'maple' : `maple${n}`, `put ${ten} ten.csv`, { key, askpass })
  }
  /** Between the rounds, so that each stores new files, as clients do. */
  async function clear(side: Side): Promise<void> {
    const users = side === theirs ? 1 : accounts
    for (let n = 0; n < users; n += 1) {
      // A file first, or the client complains that there is none.
      const lines = `put ${ten} ${side.folder}ten.csv\nrm ${side.folder}*.csv`
      await told(side, side.user(n * sessionsPerAccount), lines, { key })
    }
  }
  let fresh = 0

  const cases: Case[] = [
    {
      name: 'one file of 256 MiB',
      word: 'big',
      target: 1 / 1.2,
      round: (side) => put(side, 0, big, 'big.csv'),
    },
    {
      name: '1,000 files of 20 KiB in one session',
      word: 'small',
      target: 1,
      round: (side) => put(side, 0, `${many}/*`, ''),
    },
    {
      name: 'connect, log in by key, one file of 10 KB, leave',
      word: 'key',
      target: 0.8,
      round: (side) => put(side, 0, ten, 'ten.csv'),
    },
    {
      name: 'the same by a password that was right a minute ago',
      word: 'cached',
      target: 0.5,
      round: (side) => putByPassword(side, 0),
    },
    {
      name: 'the same by a password that is hashed',
      word: 'hashed',
      target: 0.8,
      round: (side) => putByPassword(side, side === theirs ? 0 : (fresh += 1)),
    },
    {
      name: `${sessionsAtOnce} sessions at once, 8 MiB each`,
      word: 'many',
      target: 1 / 0.8,
      async round(side) {
        const begun = performance.now()
        const times = await Promise.all(
          Array.from({ length: sessionsAtOnce }, (_, n) => put(side, n, eight, `e${n}.csv`)),
        )
        const fair = Math.min(...times) > 0 ? median(times) / Math.max(...times) : 0
        if (side === ours) console.log(`  slowest session ${fair.toFixed(2)} of the median`)
        return (performance.now() - begun) / 1_000
      },
    },
  ]

  for (const { name, word, target, round } of cases) {
    if (wanted.length > 0 && !wanted.includes(word)) continue
    const times = { ours: [] as number[], theirs: [] as number[] }
    // The first round warms both sides up and does not count.
    for (let n = 0; n <= rounds; n += 1) {
      emptyDisk()
      const ourTime = await round(ours)
      emptyDisk()
      const theirTime = await round(theirs)
      await clear(ours)
      await clear(theirs)
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
