import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { signals, startBare } from './bare.ts'
import type { Bare } from './bare.ts'
import { connect, loggedIn, secureData, startBench, until } from './raw.ts'
import type { Bench, RawFtp } from './raw.ts'

// What is broken in ftp-srv as it comes, each beside the same thing done right: the reason for every file of the room.

let bare: Bare
let bench: Bench
let ftp: RawFtp
let other: RawFtp

beforeAll(async () => {
  bare = await startBare()
  bench = await startBench()
})
afterEach(async () => {
  ftp.destroy()
  other.destroy()
  await bench.clear()
})
afterAll(async () => {
  await bench.stop()
  await bare.stop()
})

const clearLogin = async (): Promise<RawFtp> => {
  const one = await connect(bare.port)
  await one.ask('USER x')
  await one.ask('PASS x')
  return one
}

/** PASV and a connection to the port, in clear: bare ftp-srv lets that pass. */
async function clearData(one: RawFtp): Promise<Socket> {
  const numbers =
    /\((.*)\)/
      .exec(await one.ask('PASV'))?.[1]
      ?.split(',')
      .map(Number) ?? []
  const data = connectSocket((numbers[4] ?? 0) * 256 + (numbers[5] ?? 0), '127.0.0.1')
  data.on('error', () => undefined)
  await once(data, 'connect')
  return data
}

describe('bare ftp-srv, and this listener', () => {
  test('a command in two packets is two unknown ones there, and one here', async () => {
    ftp = await connect(bare.port)
    ftp.send('NO')
    await pause(30)
    ftp.send('OP\r\n')
    expect([(await ftp.next()).slice(0, 3), (await ftp.next()).slice(0, 3)]).toEqual(['502', '502'])
    other = await connect(bench.listener.explicitPort)
    other.send('NO')
    await pause(30)
    other.send('OP\r\n')
    expect(await other.next()).toMatch(/^200 /)
  })

  test('a login in clear is taken there, and refused here', async () => {
    ftp = await connect(bare.port)
    expect(await ftp.ask('USER x')).toMatch(/^331 /)
    expect(await ftp.ask('PASS x')).toMatch(/^230 /)
    other = await connect(bench.listener.explicitPort)
    expect(await other.ask('USER maple')).toMatch(/^530 /)
    expect(await other.ask(`PASS ${password}`)).toMatch(/^530 /)
  })

  test('150 comes after the handshake of the data connection there, and before it here', async () => {
    ftp = await connect(bare.port)
    await ftp.secure()
    for (const line of ['USER x', 'PASS x', 'PBSZ 0', 'PROT P']) await ftp.ask(line)
    await clearData(ftp)
    let answered = false
    ftp.ask('STOR a.csv').then(
      () => (answered = true),
      () => undefined,
    )
    await pause(300)
    expect(answered).toBe(false)
    other = await loggedIn(bench)
    await other.openData()
    expect(await other.ask('STOR a.csv')).toMatch(/^150 /)
  })

  test('a client that is killed counts as success there, and is cut here', async () => {
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('STOR half.csv')
    data.write('email\nsome')
    await pause(50)
    data.end()
    expect(await ftp.next()).toMatch(/^226 /)
    expect(readFileSync(join(bare.folder, 'half.csv'), 'utf8')).toBe('email\nsome')

    other = await loggedIn(bench)
    const tcp = await other.openData()
    await other.ask('STOR half.csv')
    const secured = await secureData(tcp)
    await new Promise((resolve) => secured.write('email\nsome', resolve))
    await pause(50)
    tcp.end()
    expect(await other.next()).toMatch(/^426 /)
    expect(await bench.names()).toEqual(['half.csv.incomplete'])
  })

  test('an upload shows under its name from the first byte there, and once it is whole here', async () => {
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('STOR early.csv')
    data.write('email\n')
    await until(() => existsSync(join(bare.folder, 'early.csv')), 'half a file is seen')
    data.end()
    await ftp.next()
    other = await loggedIn(bench)
    const tcp = await other.openData()
    await other.ask('STOR early.csv')
    const secured = await secureData(tcp)
    secured.write('email\n')
    await pause(50)
    expect(await bench.names()).toEqual([])
    secured.end()
    expect(await other.next()).toMatch(/^226 /)
    expect(await bench.names()).toEqual(['early.csv'])
  })

  test('REST and STOR lose the head of the file there, and keep it here', async () => {
    writeFileSync(join(bare.folder, 'rest.csv'), '12345')
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('REST 5')
    await ftp.ask('STOR rest.csv')
    data.end('678')
    await ftp.next()
    expect(readFileSync(join(bare.folder, 'rest.csv'), 'latin1')).not.toBe('12345678')
    await bench.put('rest.csv', '12345')
    other = await loggedIn(bench)
    await other.ask('REST 5')
    expect(await other.upload('STOR rest.csv', '678')).toMatch(/^226 /)
    expect(String(await bench.stored('rest.csv'))).toBe('12345678')
  })

  test.each(['MLSD', 'MLST', 'MFMT 20200101000000 a', 'HASH a', 'AVBL', 'CLNT x'])(
    '%s is unknown there, and known here',
    async (line) => {
      ftp = await clearLogin()
      expect(await ftp.ask(line)).toMatch(/^502 /)
      other = await loggedIn(bench)
      expect(await other.ask(line)).not.toMatch(/^50[02] /)
    },
  )

  test('a reply tells an error of JavaScript there, and our own text here', async () => {
    ftp = await clearLogin()
    expect(await ftp.ask('RNFR nowhere')).toContain('ENOENT')
    other = await loggedIn(bench)
    expect(await other.ask('RNFR nowhere')).toBe(
      '550 Cannot find "/nowhere": there is no such file',
    )
  })

  test('what is sent behind AUTH TLS in clear runs inside TLS there, and is dropped here', async () => {
    ftp = await connect(bare.port)
    // One packet: RFC 4217 section 15.1 warns of whoever puts commands into it.
    ftp.send('AUTH TLS\r\nUSER x\r\n')
    expect(await ftp.next()).toMatch(/^234 /)
    const [answer] = await once(await secureData(ftp.tcp), 'data')
    expect(String(answer)).toMatch(/^331 /)
    other = await connect(bench.listener.explicitPort)
    other.send('AUTH TLS\r\nNOOP\r\n')
    expect(await other.next()).toMatch(/^234 /)
    const secured = await secureData(other.tcp)
    secured.write('SYST\r\n')
    const [first] = await once(secured, 'data')
    expect(String(first)).toMatch(/^215 /)
  })

  test('a line may have any length there, and 4,096 bytes here', async () => {
    const long = `USER ${'x'.repeat(20_000)}`
    ftp = await connect(bare.port)
    expect(await ftp.ask(long)).toMatch(/^331 /)
    other = await connect(bench.listener.explicitPort)
    expect(await other.ask(long)).toMatch(/^500 .*too long/)
  })

  test('passwords may be tried without end there, and three times here', async () => {
    ftp = await connect(bare.port)
    for (let n = 0; n < 10; n += 1) {
      await ftp.ask('USER x')
      expect(await ftp.ask('PASS wrong')).toMatch(/^530 /)
    }
    other = await connect(bench.listener.implicitPort, { implicit: true })
    const replies: string[] = []
    for (let n = 0; n < 3; n += 1) {
      await other.ask('USER maple')
      replies.push((await other.ask('PASS wrong')).slice(0, 3))
    }
    expect(replies).toEqual(['530', '530', '421'])
    await other.closed
  })

  test('whoever does not log in stays there, and is told 421 after a time here', async () => {
    const brief = await startBench({ drop: { loginDeadlineMs: 100 } })
    ftp = await connect(bare.port)
    other = await connect(brief.listener.explicitPort)
    expect(await other.next()).toMatch(/^421 /)
    await pause(100)
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
    await brief.stop()
  })

  test('quotes are taken out of a name there, and kept here', async () => {
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('STOR a"b.csv')
    data.end('x')
    await ftp.next()
    expect(existsSync(join(bare.folder, 'ab.csv'))).toBe(true)
    other = await loggedIn(bench)
    expect(await other.upload('STOR a"b.csv', 'x')).toMatch(/^226 /)
    expect(await bench.names()).toEqual(['a"b.csv'])
  })

  test('ABOR and STAT wait for the end of an upload there, and are answered in its midst here', async () => {
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('STOR long.csv')
    ftp.send('ABOR\r\n')
    expect(await Promise.race([ftp.next(), pause(200).then(() => 'nothing')])).toBe('nothing')
    data.end('x')
    other = await loggedIn(bench)
    const secured = await secureData(
      await other.openData().then(async (tcp) => {
        await other.ask('STOR long.csv')
        return tcp
      }),
    )
    secured.write('x')
    expect(await other.ask('STAT')).toMatch(/^213 Receiving/)
    expect(await other.ask('ABOR')).toMatch(/^426 /)
    expect(await other.next()).toMatch(/^226 /)
  })

  test('a lost control connection leaves the half file under its name there, and as a cut upload here', async () => {
    ftp = await clearLogin()
    const data = await clearData(ftp)
    await ftp.ask('STOR lost.csv')
    data.write('email\nsome')
    await pause(50)
    ftp.destroy()
    await pause(50)
    expect(readFileSync(join(bare.folder, 'lost.csv'), 'utf8')).toBe('email\nsome')
    data.destroy()
    other = await loggedIn(bench)
    const tcp = await other.openData()
    await other.ask('STOR lost.csv')
    ;(await secureData(tcp)).write('email\nsome')
    await pause(50)
    other.tcp.resetAndDestroy()
    await until(async () => (await bench.names()).length > 0, 'the cut upload is kept')
    expect(await bench.names()).toEqual(['lost.csv.incomplete'])
  })

  test.skipIf(!existsSync('/dev/full'))(
    'a disk that is full takes the old file with it there, and leaves it here',
    async () => {
      symlinkSync('/dev/full', join(bare.folder, 'full.csv'))
      ftp = await clearLogin()
      const data = await clearData(ftp)
      await ftp.ask('STOR full.csv')
      data.end('email\n')
      expect(await ftp.next()).toMatch(/^550 /)
      expect(readdirSync(bare.folder)).not.toContain('full.csv')
      const tight = await startBench({ drop: { clientBytes: 10 } })
      await tight.put('full.csv', 'old')
      other = await loggedIn(tight)
      expect(await other.upload('STOR full.csv', 'email\nmore than is left')).toMatch(/^552 /)
      expect(String(await tight.stored('full.csv'))).toBe('old')
      await tight.stop()
    },
  )

  test('a TLS session is not resumed on a data connection there, and is here', async () => {
    const resumed = async (one: RawFtp, open: () => Promise<Socket>): Promise<boolean> => {
      await one.secure({ maxVersion: 'TLSv1.2' })
      const session = one.socket instanceof TLSSocket ? one.socket.getSession() : undefined
      for (const line of ['USER maple', `PASS ${password}`, 'PBSZ 0', 'PROT P']) await one.ask(line)
      const tcp = await open()
      one.send('STOR a.csv\r\n')
      const secured = await secureData(tcp, session, { maxVersion: 'TLSv1.2' })
      const reused = secured.isSessionReused()
      secured.end()
      return reused
    }
    ftp = await connect(bare.port)
    expect(await resumed(ftp, () => clearData(ftp))).toBe(false)
    other = await connect(bench.listener.explicitPort)
    expect(await resumed(other, () => other.openData())).toBe(true)
  })

  test('EPSV is not among the features there, and is here', async () => {
    ftp = await connect(bare.port)
    expect(await ftp.ask('FEAT')).not.toMatch(/EPSV/)
    other = await connect(bench.listener.explicitPort)
    expect(await other.ask('FEAT')).toMatch(/EPSV/)
  })

  test.each(['MLSD', 'MLST', 'MFMT 20240102030405 none.csv', 'HASH none.csv', 'AVBL'])(
    '%s is no command there, and is one here',
    async (line) => {
      ftp = await clearLogin()
      expect(await ftp.ask(line)).toMatch(/^502 /)
      other = await loggedIn(bench)
      expect(await other.ask(line)).not.toMatch(/^50[02] /)
    },
  )

  test('signals that end the process are taken over there; this listener takes none', async () => {
    ftp = await connect(bare.port)
    other = await connect(bench.listener.explicitPort)
    expect(bare.signalHandlers).toBe(3)
    const own = signals.flatMap((signal) => process.listeners(signal))
    expect(own.filter((listener) => String(listener).includes('quit'))).toEqual([])
  })
})
