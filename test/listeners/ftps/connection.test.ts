import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
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

const codes = async (count: number): Promise<string[]> => {
  const found: string[] = []
  for (let n = 0; n < count; n += 1) found.push((await ftp.next()).slice(0, 3))
  return found
}

describe('a line (RFC 959 section 4.1.3)', () => {
  test('counts when its end has come, however packets cut it', async () => {
    ftp = await connect(bench.listener.explicitPort)
    for (const byte of 'NOOP\r\nSYST\r\n') {
      ftp.send(byte)
      await pause(2)
    }
    expect(await codes(2)).toEqual(['200', '215'])
  })

  test('many in one packet are answered each, in order', async () => {
    ftp = await connect(bench.listener.explicitPort)
    ftp.send('NOOP\r\nSYST\r\nXYZZY\r\nFEAT\r\nUSER x\r\n')
    expect(await codes(5)).toEqual(['200', '215', '502', '211', '530'])
  })

  test('may end with a line feed alone, and empty ones are passed over', async () => {
    ftp = await connect(bench.listener.explicitPort)
    ftp.send('NOOP\n\r\n\nSYST\n')
    expect(await codes(2)).toEqual(['200', '215'])
  })

  test('of 4,096 bytes is taken, one more is 500 once, and the next is read', async () => {
    ftp = await loggedIn(bench)
    const longest = `NOOP ${'x'.repeat(4_091)}`
    expect(await ftp.ask(longest)).toMatch(/^200 /)
    expect(await ftp.ask(`${longest}x`)).toMatch(/^500 .*too long/)
    ftp.send('x'.repeat(100_000))
    ftp.send('x'.repeat(100_000))
    ftp.send('\r\nNOOP\r\n')
    expect(await codes(2)).toEqual(['500', '200'])
  })

  test('that is not UTF-8 is 500, and nothing is run', async () => {
    await bench.put('a\u{FFFD}b', 'x')
    ftp = await loggedIn(bench)
    ftp.send(Buffer.from([...Buffer.from('DELE a'), 0xff, ...Buffer.from('b\r\n')]))
    expect(await ftp.next()).toMatch(/^500 .*UTF-8/)
    expect(await bench.names()).toEqual(['a\u{FFFD}b'])
  })

  test('may have spaces and anything else in a password', async () => {
    ftp = await connect(bench.listener.implicitPort, { implicit: true })
    await ftp.ask('USER maple')
    expect(await ftp.ask(`PASS ${password} `)).toMatch(/^530 /)
    await ftp.ask('USER maple')
    expect(await ftp.ask(`PASS ${password}`)).toMatch(/^230 /)
  })
})

describe('lines that wait', () => {
  const line = `NOOP ${'x'.repeat(1_000)}\r\n`
  const count = 20_000

  async function flood(): Promise<void> {
    for (let n = 0; n < count; n += 1) ftp.send(line)
    await pause(300)
    // 20 MB were sent; a queue without an end would have taken them all.
    expect(ftp.socket.writableLength).toBeGreaterThan(5_000_000)
  }

  test('beyond 64 KiB are left in the socket, and each is answered once it is read', async () => {
    await bench.put('a.csv', 'email\n')
    ftp = await loggedIn(bench)
    const data = await ftp.openData()
    await ftp.ask('RETR a.csv')
    await flood()
    const secured = await secureData(data)
    secured.resume()
    expect(await ftp.next()).toMatch(/^226 /)
    for (let n = 0; n < count; n += 1) expect(await ftp.next()).toMatch(/^200 /)
    expect(await ftp.ask('PWD')).toMatch(/^257 /)
  })

  test('beyond 64 KiB cut an upload: whether its client is still there at the end cannot be told', async () => {
    ftp = await loggedIn(bench)
    const secured = await beginUpload(ftp)
    secured.write('x\n')
    await flood()
    secured.end()
    expect(await ftp.next()).toMatch(/^426 /)
    for (let n = 0; n < count; n += 1) expect(await ftp.next()).toMatch(/^200 /)
    expect(await bench.names()).toEqual(['a.csv.incomplete'])
  })

  test.each([1, 33, 1_000])(
    'behind an upload, %d of them, hide no end of their connection: the upload is cut',
    async (waiting) => {
      ftp = await loggedIn(bench)
      const secured = await beginUpload(ftp)
      secured.write('x\n')
      for (let sent = 0; sent < waiting; sent += 1) {
        ftp.send('NOOP\r\n')
        if (sent === waiting >> 1) await pause(20)
      }
      await pause(20)
      ftp.tcp.end()
      await pause(50)
      secured.end()
      await until(async () => (await bench.names()).length > 0, 'something is kept')
      expect(await bench.names()).toEqual(['a.csv.incomplete'])
    },
  )

  test('of STAT in mid-transfer, a hundred in one packet, are answered, and so is what comes behind', async () => {
    ftp = await loggedIn(bench)
    const secured = await beginUpload(ftp)
    secured.write('x\n')
    ftp.send('STAT\r\n'.repeat(100))
    expect(await codes(100)).toEqual(Array.from({ length: 100 }, () => '213'))
    expect(await ftp.ask('STAT')).toMatch(/^213 /)
    secured.end()
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
  })

  test('a client that reads no replies is not read either', async () => {
    ftp = await connect(bench.listener.explicitPort)
    ftp.tcp.pause()
    const block = 'FEAT\r\n'.repeat(10_000)
    for (let n = 0; n < 200; n += 1) ftp.send(block)
    await pause(300)
    expect(ftp.tcp.writableLength).toBeGreaterThan(1_000_000)
  })
})

describe('AUTH TLS', () => {
  test('drops what was sent behind it in clear: nothing of it is answered inside TLS', async () => {
    await bench.put('a.csv', 'x')
    ftp = await connect(bench.listener.explicitPort)
    ftp.send('AUTH TLS\r\nUSER maple\r\nNOOP\r\nDELE a.csv\r\nhalf a li')
    expect(await ftp.next()).toMatch(/^234 /)
    const tls = connectTls({ socket: ftp.tcp, rejectUnauthorized: false })
    await once(tls, 'secureConnect')
    let text = ''
    tls.on('data', (chunk) => (text += String(chunk)))
    tls.write('PASS x\r\n')
    await until(() => text.includes('\r\n'), 'a reply comes')
    await pause(50)
    // USER was not heard, and the half line did not stick to PASS.
    expect(text).toMatch(/^503 USER is needed first\r\n$/)
    expect(await bench.names()).toEqual(['a.csv'])
  })

  test('takes a hello that follows its reply at once, a hundred times', async () => {
    ftp = await connect(bench.listener.explicitPort)
    for (let round = 0; round < 100; round += 1) {
      const fast = await connect(bench.listener.explicitPort)
      expect(await fast.ask('AUTH TLS')).toMatch(/^234 /)
      const tls = connectTls({ socket: fast.tcp, rejectUnauthorized: false })
      await once(tls, 'secureConnect')
      fast.destroy()
    }
  })

  test('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    ftp = await connect(bench.listener.explicitPort)
    const versions: (string | null)[] = []
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = { minVersion: version, maxVersion: version }
      const one = await connect(bench.listener.implicitPort, { implicit: true, tls })
      versions.push('getProtocol' in one.socket ? one.socket.getProtocol() : null)
      one.destroy()
    }
    expect(versions).toEqual(['TLSv1.2', 'TLSv1.3'])
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      const ciphers = 'DEFAULT@SECLEVEL=0'
      const tls = { minVersion: version, maxVersion: version, ciphers }
      const old = connect(bench.listener.implicitPort, { implicit: true, tls })
      await expect(old).rejects.toThrow(/SSL alert number (40|70)/)
    }
  })

  test.each(['AES128-SHA', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256'])(
    'refuses the cipher %s',
    async (ciphers) => {
      ftp = await connect(bench.listener.explicitPort)
      const tls = { maxVersion: 'TLSv1.2' as const, ciphers }
      const old = connect(bench.listener.implicitPort, { implicit: true, tls })
      await expect(old).rejects.toThrow(/SSL alert number (40|70)/)
    },
  )
})

describe('a handshake in mid-session', () => {
  test('is refused, and ends the connection: it would cost this side more than the client', async () => {
    ftp = await connect(bench.listener.implicitPort, {
      implicit: true,
      tls: { maxVersion: 'TLSv1.2' },
    })
    expect(await ftp.ask('NOOP')).toMatch(/^200 /)
    if (!('renegotiate' in ftp.socket)) throw new Error('no TLS')
    const again = ftp.socket
    const done = new Promise((resolve) => again.renegotiate({}, resolve))
    await expect(Promise.race([done, ftp.closed.then(() => 'closed')])).resolves.not.toBeNull()
    await ftp.closed
  })
})

describe('a TLS session', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of the control connection is reused by data connections on %s, as some clients demand',
    async (version) => {
      const tls = { minVersion: version, maxVersion: version }
      ftp = await connect(bench.listener.explicitPort, { tls })
      let session: Buffer | undefined
      await ftp.secure()
      ftp.socket.on('session', (ticket: Buffer) => (session = ticket))
      if ('getSession' in ftp.socket) session ??= ftp.socket.getSession()
      await ftp.login()
      await until(() => session !== undefined, 'a ticket comes')
      for (let round = 0; round < 3; round += 1) {
        const data = await ftp.openData()
        await ftp.ask('STOR a.csv')
        const secured = await secureData(data, session, tls)
        expect([secured.getProtocol(), secured.isSessionReused()]).toEqual([version, true])
        secured.end('email\n')
        expect(await ftp.next()).toMatch(/^226 /)
      }
      const data = await ftp.openData()
      await ftp.ask('LIST')
      const secured = await secureData(data, session, tls)
      expect(secured.isSessionReused()).toBe(true)
      secured.resume()
      expect(await ftp.next()).toMatch(/^226 /)
    },
  )

  test('is not needed for a data connection', async () => {
    ftp = await loggedIn(bench)
    const secured = await beginUpload(ftp)
    expect(secured.isSessionReused()).toBe(false)
    secured.end('email\n')
    expect(await ftp.next()).toMatch(/^226 /)
  })
})

describe('limits', () => {
  test('the third wrong password is 421 and the end, and each is in the audit', async () => {
    const strict = await startBench()
    ftp = await connect(strict.listener.implicitPort, { implicit: true })
    const replies: string[] = []
    for (let n = 0; n < 3; n += 1) {
      await ftp.ask('USER maple')
      replies.push(await ftp.ask('PASS wrong'))
    }
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['530', '530', '421'])
    await ftp.closed
    const events = await strict.state.audit.list({ limit: 10 })
    expect(events.filter(({ event }) => event === 'AUTH_FAILURE')).toHaveLength(3)
    expect(events[0]).toMatchObject({ actor: 'maple', address: '127.0.0.1', protocol: 'ftps' })
    // Three mistakes are forgiven, the fourth is a penalty: the next connection is refused in clear, before TLS.
    const fourth = await connect(strict.listener.implicitPort, { implicit: true })
    await fourth.ask('USER maple')
    expect(await fourth.ask('PASS wrong')).toMatch(/^421 /)
    await fourth.closed
    const refused = await connect(strict.listener.explicitPort, { greeting: false })
    expect(await refused.next()).toMatch(/^421 .*too many failed logins/)
    await refused.closed
    await strict.stop()
  })

  test('an account that may not use FTPS is refused like an unknown one', async () => {
    const other = await startBench()
    const account = await other.state.accounts.findByName('maple')
    if (account === undefined) throw new Error('no account')
    await other.state.accounts.update({ ...account, protocols: ['sftp'] })
    ftp = await connect(other.listener.implicitPort, { implicit: true })
    await ftp.ask('USER maple')
    const reply = await ftp.ask(`PASS ${password}`)
    await ftp.ask('USER nobody')
    expect(await ftp.ask(`PASS ${password}`)).toBe(reply)
    expect(reply).toMatch(/^530 /)
    await other.stop()
  })

  test('a connection that does not log in in time is told 421, before and after TLS', async () => {
    const strict = await startBench({ drop: { loginDeadlineMs: 300 } })
    ftp = await connect(strict.listener.explicitPort)
    expect(await ftp.next()).toMatch(/^421 Login/)
    await ftp.closed
    ftp = await connect(strict.listener.implicitPort, { implicit: true })
    expect(await ftp.next()).toMatch(/^421 Login/)
    await ftp.closed
    await strict.stop()
  })

  test('a connection that begins no handshake is closed', async () => {
    const strict = await startBench({ limits: { handshakeMs: 150 } })
    ftp = await connect(strict.listener.explicitPort)
    expect(await ftp.ask('AUTH TLS')).toMatch(/^234 /)
    const silent = connectSocket(strict.listener.implicitPort, '127.0.0.1')
    silent.on('error', () => undefined).resume()
    await Promise.all([ftp.closed, once(silent, 'close')])
    await strict.stop()
  })

  test('a session without a command is closed with 421, one with a transfer is not', async () => {
    const strict = await startBench({ limits: { idleMs: 300, lingerMs: 100 } })
    ftp = await loggedIn(strict)
    const secured = await beginUpload(ftp)
    await pause(500)
    secured.end('email\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.next()).toMatch(/^421 No command for 0.3 s/)
    await ftp.closed
    await strict.stop()
  })
})

describe('stop()', () => {
  test('lets a transfer finish, answers 421 behind it, and takes no new connection', async () => {
    const going = await startBench()
    ftp = await loggedIn(going)
    const idle = await loggedIn(going)
    const secured = await beginUpload(ftp)
    secured.write('email\n')
    const stopped = going.listener.stop(10_000)
    expect(await idle.next()).toMatch(/^421 The server is stopping/)
    await expect(connect(going.listener.explicitPort)).rejects.toThrow(/ECONNREFUSED/)
    secured.end('someone@maple.example\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.next()).toMatch(/^421 /)
    await stopped
    expect(String(await going.stored('a.csv'))).toBe('email\nsomeone@maple.example\n')
    await going.state.close()
  })

  test('cuts a transfer when the grace time is over, and waits until it is kept', async () => {
    const going = await startBench()
    ftp = await loggedIn(going)
    const secured = await beginUpload(ftp)
    await new Promise((resolve) => secured.write('email\n', resolve))
    await pause(50)
    await going.listener.stop(50)
    expect(await going.names()).toEqual(['a.csv.incomplete'])
    await going.state.close()
  })
})
