import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import ssh2 from 'ssh2'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { openFlag, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { password } from '../../drop/door.ts'
import { startDoor } from './door.ts'
import type { Door } from './door.ts'
import { connect, openRaw } from './raw.ts'

const put = openFlag.write | openFlag.create | openFlag.truncate
const clientKey = generateHostKey()

function accountKey(privateKey: string) {
  const key = ssh2.utils.parseKey(privateKey)
  if (key instanceof Error) throw key
  const blob = key.getPublicSSH().toString('base64')
  return { algorithm: key.type, blob, comment: 'laptop' }
}

describe('the audit of SFTP', () => {
  let door: Door
  beforeEach(async () => {
    door = await startDoor({ account: { keys: [accountKey(clientKey)] } })
  })
  afterEach(async () => {
    await door.stop()
  })

  const who = {
    at: expect.any(Number),
    seq: expect.any(Number),
    tenantId: 'ten_maple',
    actor: 'maple',
    address: '127.0.0.1',
    protocol: 'sftp',
    clientVersion: 'WinSCP_6.3',
    path: null,
    bytes: null,
    detail: null,
  }

  test('has login, upload, commit, rename, delete and the end, with who, whence and how much', async () => {
    const client = await connect(door, { password, ident: 'WinSCP_6.3' })
    const sftp = await openRaw(client)
    const handle = await sftp.open('/a.csv.filepart', put)
    await sftp.ask(packetType.write, handle, 0n, 'email\n')
    await sftp.ask(packetType.close, handle)
    await sftp.ask(packetType.rename, '/a.csv.filepart', '/a.csv')
    const more = await sftp.open('/a.csv', openFlag.write | openFlag.append)
    await sftp.ask(packetType.write, more, 0n, 'x@y.example\n')
    await sftp.ask(packetType.close, more)
    expect((await sftp.ask(packetType.remove, '/a.csv')).code).toBe(statusCode.ok)
    const closed = once(client, 'close')
    client.end()
    await closed
    await expect.poll(async () => (await door.audit()).length, { timeout: 10_000 }).toBe(8)
    expect(await door.audit()).toEqual([
      { ...who, event: 'CONNECTED', detail: 'password' },
      { ...who, event: 'OPEN', path: '/a.csv.filepart', detail: 'replace' },
      { ...who, event: 'CLOSE', path: '/a.csv.filepart', bytes: 6 },
      { ...who, event: 'RENAME', path: '/a.csv.filepart', detail: '/a.csv' },
      { ...who, event: 'OPEN', path: '/a.csv', detail: 'append' },
      { ...who, event: 'CLOSE', path: '/a.csv', bytes: 18 },
      { ...who, event: 'DELETE', path: '/a.csv', bytes: 18 },
      { ...who, event: 'DISCONNECTED', detail: 'the connection was lost' },
    ])
  })

  test('has a cut with its reason and its bytes, and nothing for what was refused', async () => {
    const client = await connect(door, { password, ident: 'WinSCP_6.3' })
    const sftp = await openRaw(client)
    expect((await sftp.ask(packetType.remove, '/none.csv')).code).toBe(statusCode.noSuchFile)
    expect((await sftp.ask(packetType.rename, '/none.csv', '/b.csv')).code).not.toBe(0)
    expect((await sftp.ask(packetType.open, '/bak/x.csv', put, 0)).code).not.toBe(0)
    const handle = await sftp.open('/a.csv', put)
    await sftp.ask(packetType.write, handle, 0n, 'half')
    client.destroy()
    await expect.poll(async () => (await door.audit()).length, { timeout: 10_000 }).toBe(4)
    expect((await door.audit()).slice(1)).toEqual([
      { ...who, event: 'OPEN', path: '/a.csv', detail: 'replace' },
      {
        ...who,
        event: 'PARTIAL_CLOSE',
        path: '/a.csv',
        bytes: 4,
        detail: 'the connection was lost',
      },
      { ...who, event: 'DISCONNECTED', detail: 'the connection was lost' },
    ])
  })

  test('has every refused login, of unknown names as well, without what was tried', async () => {
    const refusal = { ...who, tenantId: null, event: 'AUTH_FAILURE' }
    const ident = 'WinSCP_6.3'
    await expect(connect(door, { password: 'wrong', ident })).rejects.toThrow()
    await expect(connect(door, { username: 'nobody', password, ident })).rejects.toThrow()
    const key = { type: 'publickey' as const, username: 'maple', key: generateHostKey() }
    await expect(connect(door, { authHandler: [key], ident })).rejects.toThrow()
    await expect.poll(async () => (await door.audit()).length, { timeout: 10_000 }).toBe(3)
    expect(await door.audit()).toEqual([
      { ...refusal, detail: 'password' },
      { ...refusal, actor: 'nobody', detail: 'password' },
      { ...refusal, detail: 'publickey' },
    ])
    expect(JSON.stringify(await door.audit())).not.toContain('wrong')
  })

  test('has a login by the right one of several keys as one login, and no failure', async () => {
    const keys = [generateHostKey(), generateHostKey(), clientKey]
    const authHandler = keys.map((key) => ({ type: 'publickey' as const, username: 'maple', key }))
    const client = await connect(door, { authHandler, ident: 'WinSCP_6.3' })
    expect(await door.audit()).toEqual([{ ...who, event: 'CONNECTED', detail: 'publickey' }])
    client.end()
  })
})
