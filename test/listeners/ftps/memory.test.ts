import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { connect, secureData } from './raw.ts'
import type { RawFtp } from './raw.ts'
import { startReal } from './real.ts'

const uploads = 20
/** Sessions of one account. */
const sessions = 8
const bytes = Buffer.alloc(8 * 2 ** 20, 'x')

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) * 1024
}

describe.skipIf(!existsSync('/proc/self/status'))('the memory of the server', () => {
  test(`grows by less than 64 MB for ${uploads} uploads over FTPS onto a disk of 1 MB/s`, async () => {
    const server = await startReal({
      runtime: 'node',
      accounts: Math.ceil(uploads / sessions),
      bytesPerSecond: 1_000_000,
    })
    const pid = server.process.pid ?? 0
    const controls: RawFtp[] = []
    const streams: TLSSocket[] = []
    for (let n = 0; n < uploads; n += 1) {
      const account = Math.floor(n / sessions)
      const ftp = await connect(server.explicitPort)
      await ftp.secure()
      const name = account === 0 ? 'maple' : `maple${account}`
      for (const line of [`USER ${name}`, `PASS ${password}`, 'PBSZ 0', 'PROT P']) {
        expect(await ftp.ask(line)).toMatch(/^[23]/)
      }
      const data = await ftp.openData()
      expect(await ftp.ask(`STOR u${n}.part`)).toMatch(/^150 /)
      const stream = await secureData(data)
      // The first bytes count as the start: what a session costs by itself is measured elsewhere.
      await new Promise((resolve) => stream.write('x', resolve))
      controls.push(ftp)
      streams.push(stream)
    }
    await pause(200)
    const before = residentBytes(pid)
    // 8 MiB each: 160 MiB, of which the disk takes 1 MB a second.
    for (const stream of streams) stream.write(bytes)
    let most = before
    for (let n = 0; n < 50; n += 1) {
      await pause(100)
      most = Math.max(most, residentBytes(pid))
    }
    // More was offered than is taken, though the kernel takes the whole of a few: the others wait.
    expect(streams.some(({ writableLength }) => writableLength > 0)).toBe(true)
    for (const stream of streams) stream.destroy()
    for (const control of controls) control.destroy()
    // What is on its way to that disk would take it half a minute.
    server.process.kill('SIGKILL')
    await server.stop()
    expect((most - before) / 1e6).toBeLessThan(64)
  }, 90_000)
})
