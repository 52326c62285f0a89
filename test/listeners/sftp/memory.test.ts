import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { describe, expect, test } from 'vitest'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { password } from '../../drop/door.ts'
import { connect, openRaw } from './raw.ts'
import type { RawSftp } from './raw.ts'
import { startReal } from './real.ts'

const put = openFlag.write | openFlag.create | openFlag.truncate
const uploads = 20
/** Sessions of one account. */
const sessions = 8
const chunk = Buffer.alloc(32 * 1024, 'x')

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) * 1024
}

describe.skipIf(!existsSync('/proc/self/status'))('the memory of the server', () => {
  test(`grows by less than 64 MB for ${uploads} uploads onto a disk of 1 MB/s`, async () => {
    const server = await startReal({
      runtime: 'node',
      accounts: Math.ceil(uploads / sessions),
      bytesPerSecond: 1_000_000,
    })
    const pid = server.process.pid ?? 0
    const clients: Client[] = []
    const handles: { sftp: RawSftp; handle: Uint8Array }[] = []
    for (let n = 0; n < uploads; n += 1) {
      const account = Math.floor(n / sessions)
      const username = account === 0 ? 'maple' : `maple${account}`
      const client = await connect({ listener: server }, { username, password })
      clients.push(client)
      const sftp = await openRaw(client)
      const handle = await sftp.open(`/u${n}.part`, put)
      // The first write counts as the start: what a session costs by itself is measured elsewhere.
      expect((await sftp.ask(packetType.write, handle, 0n, 'x')).code).toBe(statusCode.ok)
      handles.push({ sftp, handle })
    }
    const before = residentBytes(pid)
    // 8 MiB each: 160 MiB, of which the disk takes 1 MB a second.
    for (let n = 0; n < 256; n += 1) {
      for (const { sftp, handle } of handles) {
        sftp.send(packet(packetType.write, 1_000 + n, handle, BigInt(1 + n * chunk.length), chunk))
      }
    }
    let most = before
    for (let n = 0; n < 50; n += 1) {
      await pause(100)
      most = Math.max(most, residentBytes(pid))
    }
    for (const client of clients) client.destroy()
    // What is on its way to that disk would take it half a minute.
    server.process.kill('SIGKILL')
    await server.stop()
    expect((most - before) / 1e6).toBeLessThan(64)
  }, 90_000)
})
