import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCertificate } from '../src/certificate.ts'
import { password } from '../test/drop/door.ts'
import { startReal } from '../test/listeners/ftps/real.ts'
import { startProftpd, startVsftpd } from './ftpd.ts'
import type { Ftpd } from './ftpd.ts'
import { emptyDisk, machine, median } from './machine.ts'

const sessionsAtOnce = 100
const sessionsPerAccount = 8

type Side = Omit<Ftpd, 'stop'>

interface Case {
  name: string
  /** Our time as a share of the faster peer's: at most this. */
  target: number
  /** Seconds of one round. */
  round: (side: Side) => Promise<number>
}

async function timed(program: string, args: string[]): Promise<number> {
  const begun = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${program} ${args.at(-1)} ended with ${code}`)
  return (performance.now() - begun) / 1_000
}

function curl({ port, user, password: word, folder }: Side, local: string, remote: string) {
  const url = `ftp://127.0.0.1:${port}/${folder}${remote}`
  return timed('curl', ['-sS', '--ssl-reqd', '-k', '-u', `${user}:${word}`, '-T', local, url])
}

function lftp({ port, user, password: word, folder }: Side, line: string): Promise<number> {
  const commands = [
    'set net:max-retries 1; set cmd:fail-exit yes; set ssl:verify-certificate no',
    'set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:use-mode-z no',
    `open -u ${user},"${word}" ftp://127.0.0.1:${port}/${folder}`,
    line,
  ]
  return timed('lftp', ['-c', commands.join('; ')])
}

/**
 * `npm run bench -- ftps`: the listener on real drop folders, durable commits and all, against ProFTPD and vsftpd, same
 * client, in turns. As root, since both want it. Arguments: words of the cases to run, `rounds=N`.
 */
export async function run(args: string[]): Promise<void> {
  console.log(machine())
  const words = args.filter((word) => !word.startsWith('rounds='))
  const rounds = Number(args.find((word) => word.startsWith('rounds='))?.slice(7) ?? 5)
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const certificate = await generateCertificate('localhost', Date.now())
  const accounts = Math.max(Math.ceil(sessionsAtOnce / sessionsPerAccount), rounds + 2)
  const our = await startReal({ runtime: 'node', accounts })
  const ours: Side = { name: 'ours', port: our.explicitPort, user: 'maple', password, folder: '' }
  const peers = [
    await startProftpd(folder, certificate, password),
    await startVsftpd(folder, certificate),
  ]

  const big = join(folder, 'big.csv.part')
  const ten = join(folder, 'ten.csv.part')
  writeFileSync(big, randomBytes(256 * 2 ** 20))
  writeFileSync(ten, randomBytes(10_240))
  const eight = join(folder, 'eight.csv.part')
  writeFileSync(eight, randomBytes(8 * 2 ** 20))
  const many = join(folder, 'many')
  mkdirSync(many)
  for (let n = 0; n < 1_000; n += 1) {
    writeFileSync(join(many, `f${n}.csv.part`), randomBytes(20_480))
  }

  let fresh = 0
  const account = (n: number): Side => ({ ...ours, user: n === 0 ? 'maple' : `maple${n}` })

  const cases: Case[] = [
    {
      name: 'curl, one file of 256 MiB',
      target: 1,
      round: (side) => curl(side, big, 'big.csv.part'),
    },
    {
      name: 'lftp, one file of 256 MiB',
      target: 1,
      round: (side) => lftp(side, `put ${big}`),
    },
    {
      name: 'lftp, 1,000 files of 20 KiB in one session',
      target: 1,
      round: (side) => lftp(side, `lcd ${many}; mput *`),
    },
    {
      name: 'curl, connect, log in (cached), one file of 10 KB, leave',
      target: 0.5,
      round: (side) => curl(side, ten, 'ten.csv.part'),
    },
    {
      name: 'curl, connect, log in (hashed), one file of 10 KB, leave',
      target: 0.8,
      // An account that has not logged in for a minute.
      round: (side) => curl(side === ours ? account((fresh += 1)) : side, ten, 'ten.csv.part'),
    },
    {
      name: `curl, ${sessionsAtOnce} sessions at once, 8 MiB each`,
      target: 1 / 0.8,
      async round(side) {
        const begun = performance.now()
        const times = await Promise.all(
          Array.from({ length: sessionsAtOnce }, (_, n) => {
            const who = side === ours ? account(Math.floor(n / sessionsPerAccount)) : side
            return curl(who, eight, `e${n}.csv.part`)
          }),
        )
        const fair = median(times) / Math.max(...times)
        if (side === ours) console.log(`  slowest session ${fair.toFixed(2)} of the median`)
        return (performance.now() - begun) / 1_000
      },
    },
  ]

  for (const { name, target, round } of cases) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue
    const sides: Side[] = [ours, ...peers]
    const times = new Map(sides.map((side) => [side, [] as number[]]))
    // The first round warms every side up and does not count.
    for (let n = 0; n <= rounds; n += 1) {
      for (const side of sides) {
        emptyDisk()
        const seconds = await round(side)
        if (n > 0) times.get(side)?.push(seconds)
      }
    }
    const [mine = 0, ...theirs] = sides.map((side) => median(times.get(side) ?? []))
    const ratio = mine / Math.min(...theirs)
    const figures = peers.map((peer, index) => `${peer.name} ${theirs[index]?.toFixed(3)} s`)
    console.log(
      `${name}: ours ${mine.toFixed(3)} s, ${figures.join(', ')}, ratio of times to the faster ${ratio.toFixed(2)}, target ${target.toFixed(2)}: ${ratio <= target ? 'met' : 'MISSED'}`,
    )
  }
  const status = readFileSync(`/proc/${our.process.pid ?? 0}/status`, 'utf8')
  const megabytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_000
  console.log(`RSS at most ${megabytes.toFixed(0)} MB`)
  await our.stop()
  for (const { stop } of peers) await stop()
  rmSync(folder, { recursive: true, force: true })
}
