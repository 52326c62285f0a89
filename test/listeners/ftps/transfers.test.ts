import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Client as BasicFtp } from 'basic-ftp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import { password } from '../../drop/door.ts'
import { connect, loggedIn, passivePorts, secureData, startBench, until } from './raw.ts'
import type { Bench, RawFtp } from './raw.ts'

let bench: Bench
let ftp: RawFtp

beforeAll(async () => {
  bench = await startBench()
})
afterEach(async () => {
  ftp.destroy()
  await until(
    async () => (await bench.audit()).at(-1)?.startsWith('DISCONNECTED') === true,
    'it ends',
  )
  await bench.clear()
})
afterAll(() => bench.stop())

const half = 'email,firstName\nsomeone@maple.example,Some\nother@maple.exa'

describe('an upload', () => {
  test('is answered 150 before the data connection has its handshake, as most clients wait for it', async () => {
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
    const secured = await secureData(data)
    secured.end('email\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe('email\n')
  })

  test('may begin its handshake before the STOR is sent', async () => {
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    const securing = secureData(data)
    await pause(30)
    expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
    const secured = await securing
    secured.end('email\n')
    expect(await ftp.next()).toMatch(/^226 /)
  })

  test('has its handshake answered before the STOR is sent, and bytes sent by then are kept', async () => {
    ftp = await loggedIn(bench)
    const secured = await secureData(await ftp.openData())
    const bytes = randomBytes(300_000)
    secured.end(bytes)
    await pause(30)
    expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
    expect(await ftp.next()).toMatch(/^226 /)
    expect(bytes.equals(await bench.stored('a.csv'))).toBe(true)
  })

  test('is dropped with its port when the client takes another one after the handshake', async () => {
    ftp = await loggedIn(bench)
    const first = await secureData(await ftp.openData())
    const closed = new Promise((resolve) => first.on('error', () => undefined).on('close', resolve))
    expect(await ftp.upload('STOR a.csv', 'email\n')).toMatch(/^226 /)
    await closed
    expect(String(await bench.stored('a.csv'))).toBe('email\n')
  })

  test('of 0 bytes counts', async () => {
    ftp = await loggedIn(bench)
    expect(await ftp.upload('STOR a.csv', '')).toMatch(/^226 /)
    expect((await bench.stored('a.csv')).length).toBe(0)
  })

  test('is seen by its own session alone until it is stored, and the old file stays whole', async () => {
    await bench.put('a.csv', 'old')
    ftp = await loggedIn(bench)
    const other = await loggedIn(bench)
    const data = await ftp.openData()
    await ftp.ask('STOR a.csv')
    await ftp.ask('STAT')
    const secured = await secureData(data)
    secured.write('new bytes')
    await until(
      async () => (await ftp.ask('STAT')).includes('Receiving "/a.csv"'),
      'STAT tells of it',
    )
    expect(await other.ask('SIZE a.csv')).toBe('213 3')
    expect(String((await other.download('RETR a.csv')).bytes)).toBe('old')
    secured.end()
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await other.ask('SIZE a.csv')).toBe('213 9')
    other.destroy()
  })

  const cuts: readonly [string, (data: Data) => void | Promise<void>][] = [
    ['a FIN without close_notify', ({ tcp }) => void tcp.end()],
    ['a RST', ({ tcp }) => void tcp.resetAndDestroy()],
    ['the control connection lost', () => void ftp.tcp.resetAndDestroy()],
    ['the control connection closed politely', () => void ftp.socket.end()],
    [
      'close_notify, and the control connection closed before the 226',
      ({ secured }) => {
        secured.end()
        ftp.socket.end()
      },
    ],
    [
      'close_notify, and the control connection reset before the 226',
      ({ secured }) => {
        secured.end()
        ftp.tcp.resetAndDestroy()
      },
    ],
    [
      'ABOR',
      async () => {
        ftp.send('ABOR\r\n')
        expect(await ftp.next()).toMatch(/^426 /)
        expect(await ftp.next()).toMatch(/^226 /)
      },
    ],
    ['garbage instead of a TLS record', ({ tcp }) => void tcp.write('garbage that is no record')],
  ]

  interface Data {
    tcp: Awaited<ReturnType<RawFtp['openData']>>
    secured: Awaited<ReturnType<typeof secureData>>
  }

  describe.each([
    ['TLS 1.2', 'TLSv1.2'],
    ['TLS 1.3', 'TLSv1.3'],
  ] as const)('over %s', (_, version) => {
    test.each(cuts)('that ends with %s is cut, kept and resumable', async (_title, cut) => {
      ftp = await connect(bench.listener.explicitPort)
      await ftp.login()
      const tcp = await ftp.openData()
      expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
      const secured = await secureData(tcp, undefined, { maxVersion: version })
      expect(secured.getProtocol()).toBe(version)
      await new Promise((resolve) => secured.write(half, resolve))
      await pause(20)
      await cut({ tcp, secured })
      await until(async () => (await bench.names()).length > 0, 'something is kept')
      expect(await bench.names()).toEqual(['a.csv.incomplete'])
      expect(String(await bench.stored('a.csv.incomplete'))).toBe(half)
      expect(await bench.state.drops.list('ten_maple')).toEqual([])
      ftp.destroy()

      ftp = await loggedIn(bench)
      expect(await ftp.ask('SIZE a.csv')).toBe(`213 ${half.length}`)
      await ftp.ask(`REST ${half.length}`)
      expect(await ftp.upload('STOR a.csv', 'mple,Other\n')).toMatch(/^226 /)
      expect(String(await bench.stored('a.csv'))).toBe(`${half}mple,Other\n`)
      expect(await bench.names()).toEqual(['a.csv'])
      expect(await bench.audit()).toEqual(
        expect.arrayContaining(['PARTIAL_CLOSE /a.csv', 'CLOSE /a.csv']),
      )
    })

    test('by a client that closes without reading loses nothing, ten times', async () => {
      ftp = await connect(bench.listener.explicitPort)
      await ftp.login()
      const bytes = Buffer.alloc(3_000_000, 'a row of a file\n')
      for (let round = 0; round < 10; round += 1) {
        const tcp = await ftp.openData()
        await ftp.ask('STOR a.csv')
        const secured = await secureData(tcp, undefined, { maxVersion: version })
        // What the server sends is left unread, as a client in C does that only calls SSL_write.
        secured.pause()
        tcp.pause()
        await new Promise<void>((resolve) => secured.end(bytes, () => resolve()))
        tcp.destroySoon()
        expect(await ftp.next()).toMatch(/^226 /)
      }
      expect((await bench.stored('a.csv')).equals(bytes)).toBe(true)
    })
  })

  describe('of nothing, by a client whose TLS ends before its handshake is done', () => {
    let session: Buffer | undefined
    beforeEach(async () => {
      ftp = await connect(bench.listener.explicitPort)
      await ftp.secure()
      ftp.socket.on('session', (ticket: Buffer) => (session = ticket))
      await ftp.login()
      await until(() => session !== undefined, 'a ticket comes')
    })
    function hello(tcp: Socket) {
      const options = session === undefined ? {} : { session }
      const secured = connectTls({ socket: tcp, rejectUnauthorized: false, ...options })
      secured.on('error', () => undefined)
      return secured
    }

    test('is cut, as there is no close_notify, and leaves nothing', async () => {
      await bench.put('a.csv', 'old')
      const tcp = await ftp.openData()
      expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
      hello(tcp).end()
      expect(await ftp.next()).toMatch(/^425 /)
      expect(await bench.names()).toEqual(['a.csv'])
      expect(String(await bench.stored('a.csv'))).toBe('old')
    })

    test('does not come to pass where it says hello before its command: the 150 waits for it', async () => {
      for (let n = 0; n < 20; n += 1) {
        const secured = hello(await ftp.openData())
        let shaken = false
        secured.once('secureConnect', () => (shaken = true))
        expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
        expect(shaken).toBe(true)
        secured.end()
        expect(await ftp.next()).toMatch(/^226 .*0 bytes/)
      }
      expect((await bench.stored('a.csv')).length).toBe(0)
    })

    test('keeps its data connection when its command is refused, and may send another', async () => {
      const secured = hello(await ftp.openData())
      expect(await ftp.ask('STOR bak/a.csv')).toMatch(/^550 /)
      expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
      secured.end('email\n')
      expect(await ftp.next()).toMatch(/^226 /)
      expect(String(await bench.stored('a.csv'))).toBe('email\n')
    })

    test('basic-ftp puts empty files, one after the other, each with a close_notify', async () => {
      const client = new BasicFtp(20_000)
      await client.access({
        host: '127.0.0.1',
        port: bench.listener.explicitPort,
        user: 'maple',
        password,
        secure: true,
        secureOptions: { rejectUnauthorized: false },
      })
      for (let n = 0; n < 20; n += 1) {
        await client.uploadFrom(Readable.from([]), `empty${n}.part`)
      }
      client.close()
      expect(await bench.names()).toHaveLength(20)
    })
  })

  test('is resumed by APPE too', async () => {
    await bench.put('a.csv.incomplete', half)
    ftp = await loggedIn(bench)
    expect(await ftp.upload('APPE a.csv', 'mple,Other\n')).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe(`${half}mple,Other\n`)
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('resumed from an earlier byte than was kept goes on from there', async () => {
    await bench.put('a.csv.incomplete', half)
    ftp = await loggedIn(bench)
    await ftp.ask('REST 6')
    expect(await ftp.upload('STOR a.csv', 'X\n')).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe('email,X\n')
  })

  test('that goes on with a file and gets no data leaves the file as it was', async () => {
    await bench.put('a.csv', 'whole\n')
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    await ftp.ask('APPE a.csv')
    data.destroy()
    expect(await ftp.next()).toMatch(/^425 /)
    expect(await bench.names()).toEqual(['a.csv'])
    expect(String(await bench.stored('a.csv'))).toBe('whole\n')
  })

  test('of one name by two sessions gives two commits, in the order of their ends', async () => {
    ftp = await loggedIn(bench)
    const other = await loggedIn(bench)
    const first = await ftp.openData()
    await ftp.ask('STOR a.csv')
    const second = await other.openData()
    await other.ask('STOR a.csv')
    const [one, two] = [await secureData(first), await secureData(second)]
    one.write('first')
    two.end('second\n')
    expect(await other.next()).toMatch(/^226 /)
    one.end(' and last\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(String(await bench.stored('a.csv'))).toBe('first and last\n')
    // The older generation waits for its own import.
    expect(await bench.state.drops.list('ten_maple')).toHaveLength(2)
    other.destroy()
  })

  test('to .filepart counts when it is renamed, also onto a file', async () => {
    await bench.put('a.csv', 'old')
    ftp = await loggedIn(bench)
    await ftp.upload('STOR a.csv.filepart', 'new\n')
    expect(await bench.state.drops.list('ten_maple')).toEqual([])
    expect(await ftp.ask('RNFR a.csv.filepart')).toMatch(/^350 /)
    expect(await ftp.ask('RNTO a.csv')).toMatch(/^250 /)
    expect(await bench.names()).toEqual(['a.csv'])
    expect(String(await bench.stored('a.csv'))).toBe('new\n')
    expect(await bench.state.drops.list('ten_maple')).toHaveLength(1)
  })

  test.each(['日本.csv', 'a:b?q\\x"y$z#w.csv', ' leading and trailing ', 'cafe\u0301.csv', '-a'])(
    'named %j is stored, listed, given back, renamed and deleted under that name',
    async (name) => {
      ftp = await loggedIn(bench)
      expect(await ftp.upload(`STOR ${name}`, 'x\n')).toMatch(/^226 /)
      expect(await bench.names()).toEqual([name])
      expect(String((await ftp.download('NLST')).bytes)).toBe(`${name}\r\n`)
      expect(String((await ftp.download('MLSD')).bytes)).toMatch(/; [^;]*\r\n$/)
      expect(String((await ftp.download('MLSD')).bytes).endsWith(`; ${name}\r\n`)).toBe(true)
      expect(String((await ftp.download(`RETR ${name}`)).bytes)).toBe('x\n')
      expect(await ftp.ask(`RNFR ${name}`)).toMatch(/^350 /)
      expect(await ftp.ask(`RNTO new ${name}`)).toMatch(/^250 /)
      expect(await ftp.ask(`DELE new ${name}`)).toMatch(/^250 /)
      expect(await bench.names()).toEqual([])
    },
  )

  test('larger than a file may be is refused in its midst, and what came is kept', async () => {
    const small = await startBench({ drop: { fileBytes: 1_000_000 } })
    ftp = await loggedIn(small)
    const data = await ftp.openData()
    await ftp.ask('STOR a.csv')
    const secured = await secureData(data)
    secured.write(Buffer.alloc(3_000_000))
    expect(await ftp.next()).toMatch(/^552 .*1000000 bytes/)
    expect(await small.state.drops.list('ten_maple')).toEqual([])
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
    ftp.destroy()
    await small.stop()
    ftp = await loggedIn(bench)
  })
})

describe('a transfer under way', () => {
  test('answers STAT at once, and everything else after its end, in order', async () => {
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    await ftp.ask('STOR a.csv')
    const secured = await secureData(data)
    ftp.send('STAT\r\nNOOP\r\nPWD\r\n')
    expect(await ftp.next()).toMatch(/^213 Receiving "\/a\.csv"/)
    secured.end('x\n')
    expect(await ftp.next()).toMatch(/^226 Stored/)
    expect(await ftp.next()).toMatch(/^200 /)
    expect(await ftp.next()).toMatch(/^257 /)
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
    const data = await ftp.openData()
    await ftp.ask('STOR a.csv')
    const secured = await secureData(data)
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
