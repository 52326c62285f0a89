import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Client as BasicFtp } from 'basic-ftp'
import { beforeEach, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import {
  beginUpload,
  benchOfFile,
  connect,
  loggedIn,
  secureData,
  startBench,
  until,
} from './raw.ts'
import type { RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

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

  test.each(['APPE a.csv', 'REST 8;STOR a.csv'])(
    'that was cut over an older file is gone on with by SIZE and %s, and the older one is no part of it',
    async (commands) => {
      await bench.put('a.csv', 'an older file, longer than what came')
      ftp = await loggedIn(bench)
      const tcp = await ftp.openData()
      await ftp.ask('STOR a.csv')
      const secured = await secureData(tcp)
      await new Promise((resolve) => secured.write('half of ', resolve))
      await pause(20)
      tcp.end()
      expect(await ftp.next()).toMatch(/^426 /)
      expect(await ftp.ask('SIZE a.csv')).toBe('213 8')
      expect(String((await ftp.download('RETR a.csv')).bytes)).toMatch(/^an older file/)
      await ftp.ask('REST 36')
      expect(await ftp.upload('STOR a.csv', 'x')).toMatch(/^554 /)
      const [last = '', ...first] = commands.split(';').toReversed()
      for (const command of first) await ftp.ask(command)
      expect(await ftp.upload(last, 'it')).toMatch(/^226 /)
      expect(await bench.names()).toEqual(['a.csv'])
      expect(String(await bench.stored('a.csv'))).toBe('half of it')
    },
  )

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
    const secured = await beginUpload(ftp)
    secured.write(Buffer.alloc(3_000_000))
    expect(await ftp.next()).toMatch(/^552 .*1000000 bytes/)
    expect(await small.state.drops.list('ten_maple')).toEqual([])
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
    ftp.destroy()
    await small.stop()
    ftp = await loggedIn(bench)
  })
})
