import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { peer } from '../../support/peers.ts'
import { clientCells } from '../client-cells.ts'
import { programs } from './programs.ts'
import { until } from './raw.ts'
import { startReal } from './real.ts'

const clientOfMany = 'lftp, explicit'
const clientsOfMany = [clientOfMany, 'rclone, explicit', 'basic-ftp, explicit']
/**
 * Small files of each client in one session. curl and ftplib wait 40 ms in each for their own kernel (Nagle's algorithm),
 * and under Deno each costs more.
 */
function manyOf(runtime: 'node' | 'deno', client: string): number {
  if (runtime === 'deno') return client === clientOfMany ? 1_000 : 20
  return clientsOfMany.includes(client) ? 1_000 : 100
}

describe.each(['node', 'deno'] as const)('the FTPS listener under %s', (runtime) => {
  const { folder, content, matrix, clear, stored, server, login } = clientCells({
    title: `FTPS under ${runtime}`,
    programs,
    start: () => startReal({ runtime }),
    manyOf: (client) => manyOf(runtime, client),
    clientsOfGibibyte: ['curl, explicit', 'lftp, implicit'],
  })
  for (const { name } of programs) {
    matrix.none(name, 'is refused with a wrong key', 'not offered by the client: FTP has none')
  }

  const lftp = programs.find(({ name }) => name === 'lftp, explicit')

  test.skipIf(lftp?.path === undefined)(
    'lftp, explicit killed in mid-upload leaves a cut upload, which it resumes',
    async () => {
      clear()
      const big = join(folder, 'big.csv')
      const bytes = Buffer.alloc(8 * 2 ** 20, content)
      writeFileSync(big, bytes)
      const commands = [
        'set net:max-retries 1; set ssl:verify-certificate no; set net:limit-rate 0:2000000',
        `open -u maple,"${password}" ftp://127.0.0.1:${server().explicitPort}`,
        `put ${big} -o big.part`,
      ]
      const child = spawn(peer('lftp') ?? '', ['-c', commands.join('; ')], { stdio: 'ignore' })
      const exited = once(child, 'exit')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(server().names()).toEqual([])
      child.kill('SIGKILL')
      await exited
      await until(() => server().names().includes('big.part.incomplete'), 'the cut upload is kept')
      expect(server().names()).toEqual(['big.part.incomplete'])
      if (typeof lftp?.resume === 'function') await lftp.resume(login(), big, 'big.part')
      expect(server().names()).toEqual(['big.part'])
      expect(stored('big.part').equals(bytes)).toBe(true)
    },
  )
})
