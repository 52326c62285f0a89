import { once } from 'node:events'
import type { Client } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { connect, openRaw, startBench, until } from './raw.ts'
import type { Bench, RawSftp } from './raw.ts'

const put = openFlag.write | openFlag.create | openFlag.truncate
const chunk = Buffer.alloc(32 * 1024, 'x')

describe('an upload over SFTP', () => {
  let bench: Bench
  let client: Client
  let sftp: RawSftp

  beforeEach(async () => {
    bench = await startBench()
    client = await connect(bench)
    sftp = await openRaw(client)
  })
  afterEach(async () => {
    client.destroy()
    await bench.listener.stop(0)
    expect(bench.drop.open).toBe(0)
  })

  function events(verb: string): string[] {
    return bench.drop.events.filter((event) => event.startsWith(verb))
  }

  async function begin(path = '/a.csv'): Promise<Uint8Array> {
    const handle = await sftp.open(path, put)
    await sftp.ask(packetType.write, handle, 0n, 'half of ')
    return handle
  }

  test.each<[string, () => void]>([
    ['the connection is cut', () => client.destroy()],
    ['the client says goodbye', () => client.end()],
    ['the channel ends', () => sftp.channel.end()],
    ['the channel closes', () => sftp.channel.close()],
    ['the channel sends nonsense', () => sftp.send(Buffer.alloc(64))],
  ])('is cut when %s with the file open', async (_, leave) => {
    await begin()
    leave()
    await until(() => events('cut').length === 1, 'the upload is cut')
    expect(events('commit')).toEqual([])
    expect([...bench.drop.files.keys()]).toEqual(['/a.csv.incomplete'])
  })

  test('is committed by CLOSE, and the file stays when the connection is cut after that', async () => {
    const handle = await begin()
    const answer = await sftp.ask(packetType.close, handle)
    expect(answer.code).toBe(statusCode.ok)
    client.destroy()
    await until(() => events('end').length === 1, 'the session is over')
    expect([...bench.drop.files.keys()]).toEqual(['/a.csv'])
    expect(events('cut')).toEqual([])
  })

  test('is finished when EOF comes right behind WRITE and CLOSE', async () => {
    const handle = await sftp.open('/a.csv', put)
    sftp.send(packet(packetType.write, 500, handle, 0n, 'all of it'))
    sftp.send(packet(packetType.close, 501, handle))
    sftp.channel.end()
    expect((await sftp.answer(501)).code).toBe(statusCode.ok)
    await sftp.closed
    expect(String(bench.drop.files.get('/a.csv')?.bytes)).toBe('all of it')
  })

  test('ends with exit status 0 after EOF, which is what a client waits for', async () => {
    const exit = once(sftp.channel, 'exit')
    sftp.channel.end()
    expect((await exit)[0]).toBe(0)
    await sftp.closed
  })

  test('of two channels writing one name gives two commits', async () => {
    const other = await openRaw(client)
    const first = await begin()
    const second = await other.open('/a.csv', put)
    await other.ask(packetType.write, second, 0n, 'the other')
    expect((await sftp.ask(packetType.close, first)).code).toBe(statusCode.ok)
    expect((await other.ask(packetType.close, second)).code).toBe(statusCode.ok)
    expect(events('commit')).toEqual(['commit /a.csv 8', 'commit /a.csv 9'])
  })

  test('goes on in one channel when another of the connection is lost', async () => {
    const other = await openRaw(client)
    const handle = await begin()
    await other.open('/b.csv', put)
    other.channel.close()
    await until(() => events('cut').length === 1, 'the other upload is cut')
    await sftp.ask(packetType.write, handle, 8n, 'it')
    expect((await sftp.ask(packetType.close, handle)).code).toBe(statusCode.ok)
    expect(String(bench.drop.files.get('/a.csv')?.bytes)).toBe('half of it')
  })

  test('onto a slow disk makes the client wait, and every byte arrives', async () => {
    bench.drop.writeDelayMs = 20
    const handle = await sftp.open('/a.csv', put)
    const count = 600
    for (let n = 0; n < count; n += 1) {
      sftp.send(packet(packetType.write, 1_000 + n, handle, BigInt(n * chunk.length), chunk))
    }
    await sftp.answer(1_000)
    // 19 MiB were sent at once; what the server took is one window and what is in flight at most.
    expect(sftp.channel.writableLength).toBeGreaterThan(8 * 1024 * 1024)
    for (let n = 1; n < count; n += 1) {
      expect((await sftp.answer(1_000 + n)).code).toBe(statusCode.ok)
    }
    await sftp.ask(packetType.close, handle)
    expect(events('commit')).toEqual([`commit /a.csv ${count * chunk.length}`])
  })

  test('is finished in the grace time of a stop, and nothing new is begun', async () => {
    const handle = await begin()
    const stopped = bench.listener.stop(10_000)
    const refused = await sftp.ask(packetType.open, '/b.csv', put, 0)
    expect([refused.code, refused.message]).toEqual([
      statusCode.failure,
      expect.stringContaining('stopping'),
    ])
    await sftp.ask(packetType.write, handle, 8n, 'it')
    expect((await sftp.ask(packetType.close, handle)).code).toBe(statusCode.ok)
    await stopped
    expect(String(bench.drop.files.get('/a.csv')?.bytes)).toBe('half of it')
    expect(events('end')).toHaveLength(1)
    await expect(connect(bench)).rejects.toThrow(/ECONNREFUSED/)
  })

  test('is cut when the grace time of a stop is over', async () => {
    await begin()
    await bench.listener.stop(50)
    expect(events('cut')).toEqual(['cut /a.csv the connection was lost'])
    expect(events('end')).toHaveLength(1)
  })

  test('of a connection that does nothing does not hold up a stop', async () => {
    await bench.listener.stop(60_000)
    expect(events('end')).toHaveLength(1)
  })

  test('goes on through new keys, in both directions', async () => {
    const other = await startBench({ limits: { rekeyBytes: 1024 * 1024 } })
    const peer = await connect(other)
    let keys = 0
    peer.on('handshake', () => (keys += 1))
    const raw = await openRaw(peer)
    const handle = await raw.open('/a.csv', put)
    const pieces: Buffer[] = []
    for (let n = 0; n < 200; n += 1) {
      const piece = Buffer.alloc(chunk.length, n)
      pieces.push(piece)
      raw.send(packet(packetType.write, 2_000 + n, handle, BigInt(n * piece.length), piece))
    }
    for (let n = 0; n < 200; n += 1) {
      expect((await raw.answer(2_000 + n)).code).toBe(statusCode.ok)
    }
    await raw.ask(packetType.close, handle)
    const whole = Buffer.concat(pieces)
    expect(other.drop.files.get('/a.csv')?.bytes.equals(whole)).toBe(true)
    const reading = await raw.open('/a.csv', openFlag.read)
    const back: Buffer[] = []
    for (let at = 0; at < whole.length; at += chunk.length) {
      const answer = await raw.ask(packetType.read, reading, BigInt(at), chunk.length)
      back.push(Buffer.from(answer.fields.bytes()))
    }
    expect(Buffer.concat(back).equals(whole)).toBe(true)
    expect(keys).toBeGreaterThan(3)
    peer.destroy()
    await other.listener.stop(0)
  })
})
