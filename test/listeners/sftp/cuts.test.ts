import { once } from 'node:events'
import type { Client } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../../src/domain/account.ts'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { password } from '../../drop/door.ts'
import { startDoor } from './door.ts'
import type { Door } from './door.ts'
import { connect, openRaw } from './raw.ts'
import type { RawSftp } from './raw.ts'

// How an upload that is cut reads in the audit, whoever cuts it and when; and who is cut off by the server.

const put = openFlag.write | openFlag.create | openFlag.truncate

let door: Door
let client: Client
let sftp: RawSftp

async function start(options: Parameters<typeof startDoor>[0] = {}): Promise<void> {
  door = await startDoor({ ...options, limits: { rollCallMs: 20, ...options.limits } })
  client = await connect(door, { password })
  client.on('error', () => undefined)
  sftp = await openRaw(client)
}
afterEach(async () => {
  client.destroy()
  await door.stop()
})

/** The audit from the upload's beginning to the end of the session. */
async function upload(): Promise<{ event: string; bytes: number | null; detail: string | null }[]> {
  await expect
    .poll(async () => (await door.audit()).at(-1)?.event, { timeout: 10_000 })
    .toBe('DISCONNECTED')
  return (await door.audit()).slice(1).map(({ event, bytes, detail }) => ({ event, bytes, detail }))
}

async function names(): Promise<string[]> {
  return (await door.files.list('drop/ten_maple')).map(({ path }) => path.slice(15))
}

const lost = 'the connection was lost'
const opened = { event: 'OPEN', bytes: null, detail: 'replace' }

describe('a client that is killed', () => {
  beforeEach(() => start())

  test.each<[string, number, (handle: Uint8Array) => unknown]>([
    ['before its first byte', 0, () => undefined],
    ['behind an answered WRITE', 4, (handle) => sftp.ask(packetType.write, handle, 0n, 'half')],
    [
      'behind fsync',
      4,
      async (handle) => {
        await sftp.ask(packetType.write, handle, 0n, 'half')
        await sftp.ask(packetType.extended, 'fsync@openssh.com', handle)
      },
    ],
    [
      'behind FSETSTAT of the time',
      4,
      async (handle) => {
        await sftp.ask(packetType.write, handle, 0n, 'half')
        await sftp.ask(packetType.fsetstat, handle, 8, 1, 1)
      },
    ],
  ])('%s: OPEN, then PARTIAL_CLOSE with bytes and reason, and no CLOSE', async (_, bytes, work) => {
    await work(await sftp.open('/a.csv', put))
    client.destroy()
    expect(await upload()).toEqual([
      opened,
      { event: 'PARTIAL_CLOSE', bytes, detail: lost },
      { event: 'DISCONNECTED', bytes: null, detail: lost },
    ])
    expect(await names()).toEqual(bytes === 0 ? [] : ['a.csv.incomplete'])
  })

  test('with WRITEs on their way has one end of its upload in the audit, whichever it is', async () => {
    const handle = await sftp.open('/a.csv', put)
    for (let n = 0; n < 50; n += 1) {
      sftp.send(packet(packetType.write, 100 + n, handle, BigInt(n * 1_000), Buffer.alloc(1_000)))
    }
    sftp.send(packet(packetType.close, 200, handle))
    setImmediate(() => client.destroy())
    const ends = (await upload()).slice(1, -1)
    expect(ends).toHaveLength(1)
    const stored = ends[0]?.event === 'CLOSE'
    expect(ends[0]).toMatchObject(stored ? { bytes: 50_000 } : { event: 'PARTIAL_CLOSE' })
    expect((await names()).includes('a.csv')).toBe(stored)
  })
})

describe('an upload whose client sends nothing', () => {
  test('is cut after the time for that, where a connection without one goes on', async () => {
    await start({ sftp: { stallMs: 150, idleMs: 60_000 } })
    const idle = await connect(door, { password })
    const handle = await sftp.open('/a.csv', put)
    await sftp.ask(packetType.write, handle, 0n, 'half')
    await once(client, 'close')
    await expect.poll(names, { timeout: 10_000 }).toEqual(['a.csv.incomplete'])
    const events = (await door.audit()).filter(({ event }) => event === 'PARTIAL_CLOSE')
    expect(events).toMatchObject([{ path: '/a.csv', bytes: 4, detail: 'no data for 0.15 s' }])
    const other = await openRaw(idle)
    expect((await other.ask(packetType.stat, '/')).type).toBe(packetType.attrs)
    idle.end()
  })

  test('is not cut while it sends a byte now and then', async () => {
    await start({ sftp: { stallMs: 300 } })
    const handle = await sftp.open('/a.csv', put)
    for (let n = 0; n < 8; n += 1) {
      await sftp.ask(packetType.write, handle, BigInt(n), 'x')
      await new Promise((resolve) => setTimeout(resolve, 80))
    }
    expect((await sftp.ask(packetType.close, handle)).code).toBe(statusCode.ok)
    expect(await names()).toEqual(['a.csv'])
  })
})

describe('a session whose account may not be used any more', () => {
  beforeEach(() => start())

  test.each<[string, Partial<Account> | 'removed']>([
    ['the account is disabled', { disabled: true }],
    ['the account has expired', { expiresAt: 1 }],
    ['the account was removed', 'removed'],
    ['the account may not use SFTP', { protocols: ['ftps'] }],
    ['the account may not be used from this address', { allowedNetworks: ['192.0.2.1'] }],
    ['the password was changed', { passwordHash: '$argon2id$another' }],
  ])('ends: %s; its upload is cut, kept and audited', async (reason, change) => {
    const handle = await sftp.open('/a.csv', put)
    await sftp.ask(packetType.write, handle, 0n, 'half')
    const [account] = await door.state.accounts.list('ten_maple')
    if (account === undefined) throw new Error('no account')
    if (change === 'removed') await door.state.accounts.remove(account.tenantId, account.id)
    else await door.state.accounts.update({ ...account, ...change })
    await once(client, 'close')
    expect(await upload()).toEqual([
      opened,
      { event: 'PARTIAL_CLOSE', bytes: 4, detail: reason },
      { event: 'DISCONNECTED', bytes: null, detail: reason },
    ])
    expect(await names()).toEqual(['a.csv.incomplete'])
    await expect(connect(door, { password })).rejects.toThrow()
  })
})
