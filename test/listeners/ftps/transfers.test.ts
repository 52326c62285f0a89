import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import type { SecureStream } from '../../../src/listeners/ftps/secure.ts'
import { send } from '../../../src/listeners/ftps/transfer.ts'
import { memoryDriver } from '../../../storage/memory.ts'
import {
  beginUpload,
  benchOfFile,
  connect,
  loggedIn,
  passivePorts,
  secureData,
  startBench,
  until,
} from './raw.ts'
import type { RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

describe('a transfer under way', () => {
  test('answers STAT at once, and everything else after its end, in order', async () => {
    ftp = await loggedIn(bench)
    const secured = await beginUpload(ftp)
    ftp.send('STAT\r\nNOOP\r\nPWD\r\n')
    expect(await ftp.next()).toMatch(/^213 Receiving "\/a\.csv"/)
    secured.end('x\n')
    expect(await ftp.next()).toMatch(/^226 Stored/)
    expect(await ftp.next()).toMatch(/^200 /)
    expect(await ftp.next()).toMatch(/^257 /)
  })

  test('is over when its last reply comes: a STAT behind that has its own answer', async () => {
    const { files } = memoryDriver()
    const slow = await startBench({
      files: {
        ...files,
        async openRead(path) {
          const reader = await files.openRead(path)
          const close = async (): Promise<void> => {
            await pause(50)
            await reader.close()
          }
          return { size: reader.size, read: (at, length) => reader.read(at, length), close }
        },
      },
    })
    await slow.put('a.csv', 'email\n')
    ftp = await loggedIn(slow)
    expect((await ftp.download('RETR a.csv')).reply).toMatch(/^226 /)
    expect(await ftp.ask('STAT a.csv')).toMatch(/^213-Status:/)
    ftp.destroy()
    await slow.stop()
  })

  test('is aborted by an ABOR that comes in the packet of its STOR', async () => {
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    ftp.send('STOR a.csv\r\nABOR\r\nNOOP\r\n')
    const replies = [await ftp.next(), await ftp.next()]
    if (replies[0]?.startsWith('150')) replies.splice(0, 1, replies[1] ?? '', await ftp.next())
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['426', '226'])
    expect(await ftp.next()).toMatch(/^200 /)
    await until(
      () => data.closed || data.readableEnded || data.destroyed,
      'the data connection goes',
    )
    expect(await bench.names()).toEqual([])
  })

  test('is aborted by an ABOR behind the Telnet signals of RFC 959 section 4.1.3', async () => {
    await bench.put('a.csv', Buffer.alloc(30_000_000))
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    expect(await ftp.ask('RETR a.csv')).toMatch(/^150 /)
    const secured = await secureData(data)
    secured.pause()
    ftp.send(Buffer.concat([Buffer.from([0xff, 0xf4, 0xff, 0xf2]), Buffer.from('ABOR\r\n')]))
    expect(await ftp.next()).toMatch(/^426 /)
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
  })

  test('ABOR without one closes the passive port', async () => {
    ftp = await loggedIn(bench)
    const reply = await ftp.ask('EPSV')
    const port = Number(/\|(\d+)\|\)$/.exec(reply)?.[1])
    expect(await ftp.ask('ABOR')).toMatch(/^226 /)
    const late = connectSocket(port, '127.0.0.1')
    await expect(once(late, 'connect')).rejects.toThrow(/ECONNREFUSED/)
  })

  test('a QUIT behind it is answered when it has ended (RFC 959 section 4.1.1)', async () => {
    ftp = await loggedIn(bench)
    const secured = await beginUpload(ftp)
    ftp.send('QUIT\r\n')
    await pause(30)
    secured.end('x\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.next()).toMatch(/^221 /)
    await ftp.closed
    expect(String(await bench.stored('a.csv'))).toBe('x\n')
  })

  test('download: a client that leaves in its midst gets 425 or 426', async () => {
    await bench.put('a.csv', Buffer.alloc(30_000_000))
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    await ftp.ask('RETR a.csv')
    await secureData(data)
    data.resetAndDestroy()
    expect(await ftp.next()).toMatch(/^42[56] /)
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
  })

  test('30 MB come back as they were sent', async () => {
    const bytes = Buffer.alloc(30_000_000, 'rows and rows of them\n')
    ftp = await loggedIn(bench)
    expect(await ftp.upload('STOR a.csv', bytes)).toMatch(/^226 /)
    const { bytes: back, reply } = await ftp.download('RETR a.csv')
    expect(reply).toMatch(/^226 /)
    expect(back.equals(bytes)).toBe(true)
  })

  test('is given up when the peer takes nothing of the last bytes, which fit into what waits for the socket', async () => {
    const never = (): void => undefined
    const tls = new Writable({ write: never })
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- how much the kernel takes is known of no real socket
    const stream = {
      tls,
      onData: never,
      onError: never,
      onRawEnd: never,
    } as unknown as SecureStream
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1_000)
    }
    await expect(send(stream, chunks(), 20)).rejects.toMatchObject({ reply: 426 })
  })

  test('with a stalled client ends with 426 after the time for that', async () => {
    const impatient = await startBench({
      limits: { stallMs: 100, handshakeMs: 150, passiveMs: 200 },
    })
    await impatient.put('big.csv', Buffer.alloc(30_000_000))
    ftp = await loggedIn(impatient)
    // No byte of an upload.
    await ftp.openData().then(async (data) => {
      await ftp.ask('STOR a.csv')
      await secureData(data)
      expect(await ftp.next()).toMatch(/^426 /)
    })
    // No handshake.
    await ftp.openData()
    await ftp.ask('STOR a.csv')
    expect(await ftp.next()).toMatch(/^425 .*handshake/)
    // No reading of a download.
    await ftp.openData().then(async (data) => {
      await ftp.ask('RETR big.csv')
      ;(await secureData(data)).pause()
      expect(await ftp.next()).toMatch(/^426 /)
    })
    // No data connection at all.
    await ftp.ask('EPSV')
    await ftp.ask('STOR a.csv')
    expect(await ftp.next()).toMatch(/^425 .*came in time/)
    await ftp.ask('EPSV')
    await pause(250)
    expect(await ftp.ask('STOR a.csv')).toMatch(/^425 /)
    expect(await impatient.names()).toEqual(['big.csv'])
    ftp.destroy()
    await impatient.stop()
    ftp = await loggedIn(bench)
  })
})

describe('passive ports', () => {
  test('come in random order from the range', async () => {
    ftp = await loggedIn(bench)
    const ports: number[] = []
    for (let n = 0; n < 20; n += 1) {
      ports.push(Number(/\|(\d+)\|\)$/.exec(await ftp.ask('EPSV'))?.[1]))
    }
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(passivePorts.first)
      expect(port).toBeLessThanOrEqual(passivePorts.last)
    }
    const steps = new Set(ports.slice(1).map((port, index) => port - (ports[index] ?? 0)))
    expect(steps.size).toBeGreaterThan(10)
  })

  test('let nobody in from another address, and the peer after it', async () => {
    ftp = await loggedIn(bench)
    const port = Number(/\|(\d+)\|\)$/.exec(await ftp.ask('EPSV'))?.[1])
    const foreign = connectSocket({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    foreign.on('error', () => undefined)
    await once(foreign, 'close')
    const data = connectSocket(port, '127.0.0.1')
    await once(data, 'connect')
    await ftp.ask('STOR a.csv')
    const secured = await secureData(data)
    secured.end('x\n')
    expect(await ftp.next()).toMatch(/^226 /)
  })

  test('are all taken: 425 for the next, which may try again', async () => {
    const one = await startBench({
      passive: { ports: { first: 39_871, last: 39_871 }, announced: null },
    })
    ftp = await loggedIn(one)
    const other = await loggedIn(one)
    expect(await ftp.ask('EPSV')).toMatch(/^229 /)
    expect(await other.ask('EPSV')).toMatch(/^425 .*in use/)
    expect(await other.ask('PASV')).toMatch(/^425 /)
    await ftp.ask('ABOR')
    await until(async () => (await other.ask('EPSV')).startsWith('229'), 'the port is free again')
    other.destroy()
    ftp.destroy()
    await one.stop()
    ftp = await loggedIn(bench)
  })

  test('are closed with their control connection, and one at a time is open', async () => {
    ftp = await loggedIn(bench)
    const ports: number[] = []
    for (let n = 0; n < 2; n += 1) {
      ports.push(Number(/\|(\d+)\|\)$/.exec(await ftp.ask('EPSV'))?.[1]))
    }
    const refused = async (port: number): Promise<void> => {
      const late = connectSocket(port, '127.0.0.1')
      await expect(once(late, 'connect')).rejects.toThrow(/ECONNREFUSED/)
    }
    await refused(ports[0] ?? 0)
    ftp.destroy()
    await until(
      async () => (await bench.audit()).at(-1)?.startsWith('DISCONNECTED') === true,
      'gone',
    )
    await refused(ports[1] ?? 0)
  })

  test('are announced at the configured address', async () => {
    const behind = await startBench({ passive: { ports: passivePorts, announced: '203.0.113.9' } })
    ftp = await loggedIn(behind)
    expect(await ftp.ask('PASV')).toMatch(/^227 .*\(203,0,113,9,\d+,\d+\)$/)
    // EPSV names no address: a client behind a NAT comes back to where it came from.
    expect(await ftp.ask('EPSV')).toMatch(/^229 .*\(\|\|\|\d+\|\)$/)
    ftp.destroy()
    await behind.stop()
    ftp = await loggedIn(bench)
  })
})

describe('a change of the certificate', () => {
  test('counts for new connections, and a session under way goes on', async () => {
    ftp = await loggedIn(bench)
    const next = await generateCertificate('next.example', Date.now())
    bench.listener.reload(next)
    const fresh = await connect(bench.listener.implicitPort, { implicit: true })
    const seen =
      'getPeerCertificate' in fresh.socket ? fresh.socket.getPeerCertificate() : undefined
    expect(seen?.subject['CN']).toBe('next.example')
    expect(await ftp.upload('STOR a.csv', 'x\n')).toMatch(/^226 /)
    fresh.destroy()
  })

  test('that is none is refused, and the old one stays', async () => {
    ftp = await loggedIn(bench)
    expect(() => bench.listener.reload({ cert: 'no', key: 'no' })).toThrow()
    const fresh = await connect(bench.listener.implicitPort, { implicit: true })
    expect(await fresh.ask('NOOP')).toMatch(/^200 /)
    fresh.destroy()
  })
})
