import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { connect, loggedIn, secureData, startBench } from './raw.ts'
import type { Bench } from './raw.ts'

/** The same numbers in each run, so that a failure can be found again. */
function createRandom(start: number): (below: number) => number {
  let seed = start
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed % below
  }
}

describe('the FTPS listener lives on', () => {
  let bench: Bench

  beforeAll(async () => {
    bench = await startBench({
      limits: { lingerMs: 50, drainMs: 50, passiveMs: 500, handshakeMs: 500 },
    })
  })
  afterAll(() => bench.stop())

  /** What must still work after whatever came: a fresh client uploads, and nothing went wrong inside. */
  async function expectUpload(): Promise<void> {
    const ftp = await loggedIn(bench)
    expect(await ftp.upload('STOR fresh.csv', 'fine\n')).toMatch(/^226 /)
    expect(String(await bench.stored('fresh.csv'))).toBe('fine\n')
    ftp.destroy()
    expect(bench.logged.filter((line) => line.includes('failed'))).toEqual([])
    await bench.clear()
  }

  /** Our own texts: no stack, no path of this machine or of the store, no error of JavaScript or the system. */
  function expectOwnTexts(replies: string): void {
    expect(replies).not.toMatch(
      /\bat \S+ \(|node:|\.ts\b|\.js\b|TypeError|RangeError|undefined|\[object/,
    )
    expect(replies).not.toMatch(
      /ENOENT|EACCES|EISDIR|drop\/ten_|ten_maple|\/tmp|\/root|\/home|\/usr/,
    )
  }

  test('through 3,000 mutated lines, with nothing but our own texts in the replies', async () => {
    const random = createRandom(42)
    const lines =
      `USER maple;PASS ${password};AUTH TLS;PBSZ 0;PROT P;FEAT;OPTS MLST size;CWD /test/../;TYPE A N;STRU F;MODE S;` +
      'PASV;EPSV 1;PORT 127,0,0,1,200,1;EPRT |1|127.0.0.1|50000|;LIST -la /;MLST a.csv;MLSD;SIZE a.csv;MDTM a.csv;' +
      'ALLO 10 R 10;AVBL;HASH a.csv;REST 12;RETR a.csv;STOR b.csv;APPE b.csv;ABOR;DELE b.csv;RNFR a.csv;RNTO c.csv;' +
      'MKD test;RMD test;MFMT 20200101000000 a.csv;STAT a.csv;HELP STOR;CLNT x'
    const models = lines.split(';').map((line) => Buffer.from(`${line}\r\n`))
    const special = [0, 10, 13, 32, 34, 37, 42, 46, 47, 92, 0x80, 0xc3, 0xff]
    let ftp = await loggedIn(bench)
    let replies = ''
    const listen = (): void => void ftp.socket.on('data', (chunk) => (replies += String(chunk)))
    listen()
    let lost = 0
    for (let round = 0; round < 3_000; round += 1) {
      let line = Buffer.from(models[random(models.length)] ?? 'NOOP\r\n')
      for (let n = random(4); n >= 0; n -= 1) {
        const at = random(line.length)
        const byte = special[random(special.length)] ?? 0
        if (random(3) === 0) line[at] = byte
        else if (random(2) === 0) {
          const more = Buffer.alloc(random(20) === 0 ? 5_000 : random(30), random(256))
          line = Buffer.concat([line.subarray(0, at), more, line.subarray(at)])
        } else line = Buffer.concat([line.subarray(0, at), line.subarray(at + 1)])
      }
      ftp.send(line)
      if (round % 100 !== 99) continue
      // Every line so far has its reply, or the connection is over.
      const over = await Promise.race([
        ftp.closed.then(() => true),
        (async () => {
          const mark = `marker${round}`
          ftp.send(`\r\nSTAT ${mark}\r\n`)
          for (let n = 0; n < 600 && !replies.includes(mark); n += 1) await pause(10)
          return false
        })(),
      ])
      if (!over) continue
      lost += 1
      ftp = await loggedIn(bench)
      listen()
    }
    ftp.destroy()
    expect(lost).toBeLessThan(30)
    expect(replies.split('\r\n').length).toBeGreaterThan(1_500)
    for (const line of replies.split('\r\n').slice(0, -1)) expect(line).toMatch(/^(\d{3}[ -]| )/)
    expectOwnTexts(replies)
    await expectUpload()
  })

  test('through garbage instead of a handshake, on every port, ended in every way', async () => {
    const random = createRandom(7)
    const starts = [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.from('SSH-2.0-x\r\n'),
      Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
      Buffer.from([21, 3, 3, 0, 2, 2, 40]),
      Buffer.alloc(100_000, 'A'),
      Buffer.alloc(0),
    ]
    const { explicitPort, implicitPort } = bench.listener
    for (let round = 0; round < 150; round += 1) {
      const socket = connectSocket(round % 3 === 0 ? explicitPort : implicitPort, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      await once(socket, 'connect')
      const noise = Buffer.from(Array.from({ length: random(600) }, () => random(256)))
      if (round % 6 === 0) socket.write('AUTH TLS\r\n')
      socket.write(Buffer.concat([starts[round % starts.length] ?? noise, noise]))
      await pause(random(8))
      if (random(3) === 0) socket.resetAndDestroy()
      else if (random(2) === 0) socket.end()
      else socket.destroy()
    }
    await expectUpload()
  })

  test('through spoilt TLS records, alerts and resets in mid-session', async () => {
    const random = createRandom(99)
    for (let round = 0; round < 60; round += 1) {
      const tcp = connectSocket(bench.listener.implicitPort, '127.0.0.1')
      tcp.on('error', () => undefined)
      await once(tcp, 'connect')
      const write = tcp.write.bind(tcp)
      const tls = connectTls({ socket: tcp, rejectUnauthorized: false })
      tls.on('error', () => undefined).resume()
      const ready = await Promise.race([
        once(tls, 'secureConnect').then(() => true),
        once(tls, 'close').then(() => false),
      ])
      if (!ready) continue
      tls.write(`USER maple\r\nPASS ${password}\r\nFEAT\r\n`)
      await pause(random(10))
      const alert = Buffer.from([21, 3, 3, 0, 2, random(3), random(256)])
      const record = Buffer.from([
        23,
        3,
        3,
        0,
        30,
        ...Array.from({ length: 30 }, () => random(256)),
      ])
      if (round % 3 === 0) write(alert)
      else if (round % 3 === 1) write(record)
      else tcp.resetAndDestroy()
      await pause(random(5))
      tls.destroy()
    }
    await expectUpload()
  })

  test('through data connections that are spoilt or reset at any moment', async () => {
    const random = createRandom(5)
    const ftp = await loggedIn(bench)
    for (let round = 0; round < 40; round += 1) {
      const tcp = await ftp.openData()
      ftp.send(round % 4 === 0 ? 'LIST\r\n' : `STOR f${round % 3}.csv\r\n`)
      if (round % 5 === 0) tcp.write(Buffer.from(Array.from({ length: 300 }, () => random(256))))
      else if (round % 5 > 1) {
        const secured = await secureData(tcp).catch(() => undefined)
        secured?.resume()
        secured?.write(Buffer.alloc(random(100_000)))
        await pause(random(5))
      }
      tcp.resetAndDestroy()
      const replies = [await ftp.next()]
      while (replies.at(-1)?.startsWith('150')) replies.push(await ftp.next())
      expectOwnTexts(replies.join('\r\n'))
    }
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
    ftp.destroy()
    await expectUpload()
  })

  test('when 300 connections say nothing, and lets others in', async () => {
    const { explicitPort, implicitPort } = bench.listener
    const sockets = Array.from({ length: 300 }, (_, n) =>
      connectSocket(n % 2 === 0 ? explicitPort : implicitPort, '127.0.0.1').on(
        'error',
        () => undefined,
      ),
    )
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await expectUpload()
    for (const socket of sockets) socket.destroy()
  })

  test('when a client is cut off at every step of a session', async () => {
    const steps = ['USER maple', `PASS ${password}`, 'PBSZ 0', 'PROT P', 'EPSV', 'STOR a.csv']
    for (let length = 0; length <= steps.length; length += 1) {
      for (const how of ['reset', 'end', 'destroy'] as const) {
        const ftp = await connect(bench.listener.implicitPort, { implicit: true })
        for (const line of steps.slice(0, length)) await ftp.ask(line)
        if (how === 'reset') ftp.tcp.resetAndDestroy()
        else if (how === 'end') ftp.socket.end()
        else ftp.destroy()
        await ftp.closed
      }
    }
    expect(await bench.names()).toEqual([])
    await expectUpload()
  })
})
