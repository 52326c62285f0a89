import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFleet } from '../test/support/fleet.ts'
import { postgresPrograms, startPostgres } from '../test/support/postgres.ts'
import { emptyDisk, machine, median } from './machine.ts'
import { sftp } from './sftp.ts'

const rounds = 3
const sessions = 4
const megabytes = 64
const smallFiles = 200

/**
 * `npm run bench -- processes`: what a second process of `ROLE=ingest` brings to four sessions at once, on one PostgreSQL
 * and one folder. The clients share the processors with the servers.
 */
export async function run(): Promise<void> {
  console.log(machine())
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot measure: PostgreSQL is needed')
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bench-'))
  const big = join(folder, 'big.csv')
  writeFileSync(big, randomBytes(megabytes * 2 ** 20))
  const small = join(folder, 'small.csv')
  writeFileSync(small, randomBytes(20_480))
  const cluster = await startPostgres(programs, { fsync: 'on' })
  for (const count of [1, 2]) {
    const fleet = await createFleet(cluster, { ROLE: 'ingest', ALLOW_LIST: '127.0.0.1' })
    try {
      const names = Array.from({ length: sessions }, (_, n) => `c${n}`)
      const tenants = await fleet.tenants(names)
      const ports: number[] = []
      for (let n = 0; n < count; n += 1) ports.push((await fleet.start()).sftpPort)
      const askpass = join(folder, 'askpass')
      writeFileSync(askpass, `#!/bin/sh\necho '${tenants[0]?.password ?? ''}'\n`, { mode: 0o700 })
      for (const [what, lines] of [
        [`${megabytes} MiB each`, () => `put ${big} big.csv`],
        [
          `${smallFiles} files of 20 KiB each`,
          (round: number) =>
            Array.from({ length: smallFiles }, (_, n) => `put ${small} r${round}f${n}.csv`).join(
              '\n',
            ),
        ],
      ] as const) {
        const times: number[] = []
        for (let round = 0; round <= rounds; round += 1) {
          const batch = join(folder, 'batch')
          writeFileSync(batch, `${lines(round)}\n`)
          emptyDisk()
          const begun = performance.now()
          await Promise.all(
            tenants.map(({ login }, n) => {
              const port = ports[n % ports.length] ?? 0
              const side = { name: 'ours', port, user: () => login, folder: '' }
              return sftp(side, login, { key: '', askpass }, batch)
            }),
          )
          if (round > 0) times.push((performance.now() - begun) / 1_000)
        }
        console.log(
          `${count} ${count === 1 ? 'process' : 'processes'}, ${sessions} sessions, ${what}: ${median(times).toFixed(2)} s`,
        )
      }
    } finally {
      await fleet.remove()
    }
  }
  await cluster.remove()
  rmSync(folder, { recursive: true, force: true })
}
