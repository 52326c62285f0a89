import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFlag, packet, packetType, statusCode } from '../../../src/listeners/sftp/wire.ts'
import { connect, openRaw, startBench, until } from './raw.ts'
import type { Bench, RawSftp } from './raw.ts'

/** The same numbers in each run, so that a failure can be found again. */
function createRandom(start: number): (below: number) => number {
  let seed = start
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed % below
  }
}

describe('the SFTP listener lives on', () => {
  let bench: Bench

  beforeAll(async () => {
    bench = await startBench({ limits: { lingerMs: 50 } })
  })
  afterAll(async () => {
    await bench.listener.stop(0)
    expect(bench.drop.open).toBe(0)
  })

  /** What must still work after whatever came: a fresh peer uploads. */
  async function expectUpload(): Promise<void> {
    const client = await connect(bench)
    const sftp = await openRaw(client)
    const put = openFlag.write | openFlag.create | openFlag.truncate
    const handle = await sftp.open('/fresh.csv', put)
    await sftp.ask(packetType.write, handle, 0n, 'fine')
    expect((await sftp.ask(packetType.close, handle)).code).toBe(statusCode.ok)
    expect(String(bench.drop.files.get('/fresh.csv')?.bytes)).toBe('fine')
    client.end()
  }

  test('through 6,000 mutated packets', async () => {
    const random = createRandom(42)
    const handle = Buffer.alloc(4)
    const models = [
      packet(packetType.open, 1, '/a.csv', 0x1a, 0),
      packet(packetType.close, 1, handle),
      packet(packetType.read, 1, handle, 0n, 100),
      packet(packetType.write, 1, handle, 0n, 'some bytes of a file'),
      packet(packetType.stat, 1, '/a.csv'),
      packet(packetType.fstat, 1, handle),
      packet(packetType.setstat, 1, '/a.csv', 0x0f, 1n, 0, 0, 0o644, 1, 1),
      packet(packetType.fsetstat, 1, handle, 0x01, 3n),
      packet(packetType.opendir, 1, '/'),
      packet(packetType.readdir, 1, handle),
      packet(packetType.remove, 1, '/a.csv'),
      packet(packetType.mkdir, 1, '/test', 0),
      packet(packetType.rename, 1, '/a.csv', '/b.csv'),
      packet(packetType.realpath, 1, '..'),
      packet(packetType.extended, 1, 'statvfs@openssh.com', '/'),
      packet(packetType.init, 3),
    ]
    let client = await connect(bench)
    let sftp: RawSftp = await openRaw(client)
    let lost = 0
    for (let round = 0; round < 6_000; round += 1) {
      const bytes = Buffer.from(models[random(models.length)] ?? handle)
      for (let n = random(5); n >= 0; n -= 1) {
        // Mostly the body: a length that is wrong costs the conversation, and that is tried often enough.
        const at = random(20) === 0 ? random(4) : 4 + random(bytes.length - 4)
        bytes[at] = [0, 1, 127, 128, 255, random(256)][random(6)] ?? 0
      }
      sftp.send(random(30) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes)
      if (sftp.channel.writable && round % 50 !== 49) continue
      const over = await Promise.race([
        sftp.closed.then(() => true),
        sftp.ask(packetType.realpath, '.').then(
          () => false,
          () => true,
        ),
        new Promise<boolean>((resolve) => setTimeout(resolve, 40, true)),
      ])
      if (!over) continue
      lost += 1
      client.destroy()
      client = await connect(bench)
      sftp = await openRaw(client)
    }
    client.destroy()
    expect(lost).toBeGreaterThan(0)
    await expectUpload()
    await until(() => bench.drop.open === 0, 'every handle is closed')
  }, 90_000)

  test('through garbage instead of a handshake', async () => {
    const random = createRandom(7)
    const starts = [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.from('SSH-1.5-old\r\n'),
      Buffer.from('SSH-2.0-x\r\n'),
      Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
      Buffer.alloc(100_000, 'A'),
      Buffer.alloc(0),
    ]
    for (let round = 0; round < 120; round += 1) {
      const socket = connectSocket(bench.listener.port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      const noise = Buffer.from(Array.from({ length: random(600) }, () => random(256)))
      socket.write(Buffer.concat([starts[round % starts.length] ?? noise, noise]))
      await new Promise((resolve) => setTimeout(resolve, random(8)))
      if (random(2) === 0) socket.resetAndDestroy()
      else socket.destroy()
    }
    await expectUpload()
  })

  test('through mutated transports', async () => {
    const random = createRandom(99)
    for (let round = 0; round < 60; round += 1) {
      const socket = connectSocket(bench.listener.port, '127.0.0.1')
      const client = new ssh2.Client()
      client.on('error', () => undefined)
      const write = socket.write.bind(socket)
      let left = 3 + random(20)
      // Every packet of the client goes through here; one of them is spoilt.
      socket.write = (bytes: Buffer, ...rest: []) => {
        left -= 1
        if (left === 0 && bytes.length > 0) {
          const spoilt = Buffer.from(bytes)
          spoilt[random(spoilt.length)] = random(256)
          return write(spoilt, ...rest)
        }
        return write(bytes, ...rest)
      }
      client.on('ready', () => {
        client.subsys('sftp', (error, channel) => {
          if (error) return
          channel.on('error', () => undefined)
          for (let n = 0; n < 10; n += 1) channel.write(packet(packetType.stat, n, '/'))
        })
      })
      client.connect({ sock: socket, username: 'maple', password: 'sugar' })
      await new Promise((resolve) => setTimeout(resolve, 30))
      client.destroy()
      socket.destroy()
    }
    await expectUpload()
  })

  test('when 300 connections say nothing, and lets others in', async () => {
    const sockets = Array.from({ length: 300 }, () =>
      connectSocket(bench.listener.port, '127.0.0.1'),
    )
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await expectUpload()
    for (const socket of sockets) socket.destroy()
    await until(
      () =>
        bench.drop.events.filter((event) => event === 'closed').length >=
        bench.drop.admitted.length - 1,
      'the connections are gone',
    )
  })

  test('when a peer reads no answers: it is not read either', async () => {
    const socket = connectSocket(bench.listener.port, '127.0.0.1')
    const client = await connect(bench, { sock: socket })
    const sftp = await openRaw(client)
    bench.drop.files.set('/big.csv', { bytes: Buffer.alloc(200_000), modifiedAt: 0 })
    const handle = await sftp.open('/big.csv', openFlag.read)
    sftp.channel.pause()
    for (let n = 0; n < 3_000; n += 1) {
      sftp.send(packet(packetType.read, 5_000 + n, handle, 0n, 200_000))
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    // 600 MB were asked for; the window of the client is 2 MiB.
    expect(socket.bytesRead).toBeLessThan(4 * 1024 * 1024)
    client.destroy()
    await expectUpload()
  })

  test.each([
    ['it waits while the disk is behind', false],
    ['it is disconnected when that does not help', true],
  ])('when a peer sends without a window: %s', async (_, blocked) => {
    const socket = connectSocket(bench.listener.port, '127.0.0.1')
    const client = await connect(bench, { sock: socket })
    const sftp = await openRaw(client)
    bench.drop.writeDelayMs = 500
    const put = openFlag.write | openFlag.create | openFlag.truncate
    const [slow, handle] = [await sftp.open('/s.csv', put), await sftp.open('/a.csv', put)]
    if (blocked) {
      sftp.send(packet(packetType.write, 4_000, slow, 0n, 'x'))
      sftp.send(packet(packetType.close, 4_001, slow))
    }
    // The client library keeps count of the window in this field.
    const count: unknown = Reflect.get(sftp.channel, 'outgoing')
    const chunk = Buffer.alloc(30_000)
    for (let n = 0; n < 1_500; n += 1) {
      if (typeof count === 'object' && count !== null) Object.assign(count, { window: 2 ** 30 })
      sftp.send(packet(packetType.write, 5_000 + n, handle, BigInt(n * chunk.length), chunk))
    }
    if (blocked) await sftp.closed
    else await new Promise((resolve) => setTimeout(resolve, 400))
    // Of 45 MB most never left: the other side does not read them.
    if (!blocked) expect(socket.writableLength).toBeGreaterThan(25_000_000)
    const warned = bench.logged.some((line) => line.includes('it sends without a window'))
    expect(warned).toBe(blocked)
    bench.drop.writeDelayMs = 0
    client.destroy()
    await until(() => bench.drop.open === 0, 'the uploads are cut')
    expect(bench.drop.files.has('/a.csv')).toBe(false)
    await expectUpload()
  })
})
