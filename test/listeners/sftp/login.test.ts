import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import ssh2 from 'ssh2'
import type { ClientChannel } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprint, generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { startSftpListener } from '../../../src/listeners/sftp/listener.ts'
import { packetType } from '../../../src/listeners/sftp/wire.ts'
import { connect, openRaw, startBench, until } from './raw.ts'
import type { Bench } from './raw.ts'

describe('a login over SFTP', () => {
  let bench: Bench

  beforeEach(async () => {
    bench = await startBench({ limits: { lingerMs: 100 } })
  })
  afterEach(async () => {
    await bench.listener.stop(0)
    const opened = bench.drop.admitted.length
    expect(bench.drop.events.filter((event) => event === 'closed')).toHaveLength(opened)
  })

  function allow(privateKey: string): void {
    const key = ssh2.utils.parseKey(privateKey)
    if (key instanceof Error) throw key
    bench.drop.keys.push({ name: 'maple', blob: key.getPublicSSH().toString('base64') })
  }
  async function dial(): Promise<Socket> {
    const socket = connectSocket(bench.listener.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }

  test('with the right password is let in, and what the client says it is is passed on', async () => {
    const client = await connect(bench, { ident: 'WinSCP_6.3' })
    expect(bench.drop.events).toEqual(['peer WinSCP_6.3', 'login'])
    expect(bench.drop.admitted[0]).toMatchObject({ address: '127.0.0.1', protocol: 'sftp' })
    client.end()
  })

  test('with a wrong password is refused', async () => {
    await expect(connect(bench, { password: 'salt' })).rejects.toThrow(
      /authentication methods failed/,
    )
    await expect(connect(bench, { username: 'oak' })).rejects.toThrow(
      /authentication methods failed/,
    )
    expect(bench.drop.events).not.toContain('login')
  })

  test('is over after the third wrong password', async () => {
    let asked = 0
    await expect(
      connect(bench, {
        authHandler: (_left, _partial, next) => {
          asked += 1
          next({ type: 'password', username: 'maple', password: `wrong${asked}` })
        },
      }),
    ).rejects.toThrow()
    expect(asked).toBe(3)
    expect(bench.drop.events).not.toContain('login')
  })

  test.each([
    ['Ed25519', () => generateHostKey()],
    ['ECDSA', () => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private],
    ['RSA with SHA-2', () => ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).private],
  ])('with an %s key of the account is let in', async (_, make) => {
    const privateKey = make()
    const authHandler = [{ type: 'publickey' as const, username: 'maple', key: privateKey }]
    await expect(connect(bench, { authHandler })).rejects.toThrow(/authentication methods failed/)
    allow(privateKey)
    const client = await connect(bench, { authHandler })
    expect(bench.drop.events).toContain('login')
    client.end()
  })

  test('with an RSA key and SHA-1 is refused', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs1', format: 'pem' })
    allow(pem)
    const key = ssh2.utils.parseKey(pem)
    if (key instanceof Error) throw key
    const authHandler = [
      {
        type: 'agent' as const,
        username: 'maple',
        agent: {
          getIdentities: (done: (error: undefined, keys: unknown[]) => void) =>
            done(undefined, [key]),
          // Signs with SHA-1 whatever the protocol asked for.
          sign: (
            _: unknown,
            data: Buffer,
            __: unknown,
            done: (error: undefined, bytes: Buffer) => void,
          ) => done(undefined, key.sign(data, 'sha1')),
        },
      },
    ]
    await expect(connect(bench, { authHandler })).rejects.toThrow()
    expect(bench.drop.events).not.toContain('login')
  })

  test('with a public key of the account and no signature of it is refused', async () => {
    const theirs = generateHostKey()
    allow(theirs)
    const key = ssh2.utils.parseKey(theirs)
    if (key instanceof Error) throw key
    const authHandler = [
      {
        type: 'agent' as const,
        username: 'maple',
        agent: {
          getIdentities: (done: (error: undefined, keys: unknown[]) => void) =>
            done(undefined, [key]),
          sign: (
            _: unknown,
            __: Buffer,
            ___: unknown,
            done: (error: undefined, bytes: Buffer) => void,
          ) => done(undefined, Buffer.alloc(64, 1)),
        },
      },
    ]
    await expect(connect(bench, { authHandler })).rejects.toThrow()
    expect(bench.drop.events).not.toContain('login')
  })

  test('is over after 20 requests', async () => {
    let asked = 0
    const keys = Array.from({ length: 5 }, () => generateHostKey())
    await expect(
      connect(bench, {
        authHandler: (_left, _partial, next) => {
          const key = keys[asked % keys.length] ?? ''
          asked += 1
          next({ type: 'publickey', username: 'maple', key })
        },
      }),
    ).rejects.toThrow()
    expect(asked).toBeLessThanOrEqual(21)
    expect(bench.drop.events).not.toContain('login')
  })

  test('that does not come in time ends the connection', async () => {
    bench.drop.loginDeadlineMs = 60
    const silent = await dial()
    const half = await dial()
    half.write('SSH-2.0-half\r\n')
    for (const socket of [silent, half]) {
      socket.resume()
      await once(socket, 'close')
    }
    bench.drop.loginDeadlineMs = 1_500
    const client = await connect(bench)
    await new Promise((resolve) => setTimeout(resolve, 1_600))
    const sftp = await openRaw(client)
    expect(sftp.count).toBe(1)
    client.end()
  })

  test('is not even asked for when the doorkeeper refuses the connection', async () => {
    bench.drop.refuseAll = true
    const socket = await dial()
    let came = ''
    socket.on('data', (bytes) => (came += String(bytes)))
    await once(socket, 'close')
    expect(came).toBe('')
  })

  test('comes from the address that the PROXY header names', async () => {
    const proxied = await startBench({ proxyProtocol: true })
    const socket = connectSocket(proxied.listener.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('PROXY TCP4 203.0.113.7 10.0.0.1 54321 22\r\n')
    const client = await connect(proxied, { sock: socket })
    expect(proxied.drop.admitted).toMatchObject([{ address: '203.0.113.7', port: 54_321 }])
    client.end()
    await expect(connect(proxied)).rejects.toThrow()
    expect(proxied.drop.admitted).toHaveLength(1)
    await proxied.listener.stop(0)
  })

  test('gives four channels and no more at once', async () => {
    const client = await connect(bench)
    const channels = []
    for (let n = 0; n < 4; n += 1) channels.push(await openRaw(client))
    await expect(openRaw(client)).rejects.toThrow(/open failure/)
    channels[0]?.channel.end()
    await channels[0]?.closed
    await openRaw(client)
    client.end()
  })

  test('gives no shell, no command, no other subsystem, no forwarding', async () => {
    const client = await connect(bench)
    async function outcome(
      ask: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown,
    ): Promise<string> {
      return new Promise((resolve) => {
        ask((error, channel) => {
          if (error) {
            resolve(error.message)
            return
          }
          let text = ''
          channel.stderr.on('data', (bytes) => (text += String(bytes)))
          channel.resume()
          channel.on('close', (code: number) => resolve(`${code} ${text.trim()}`))
        })
      })
    }
    const only = '1 This service allows SFTP only.'
    expect(await outcome((done) => client.shell(false, done))).toBe(only)
    expect(await outcome((done) => client.exec('scp -t .', done))).toBe(only)
    expect(await outcome((done) => client.subsys('netconf', done))).toMatch(/Unable to start/)
    const forward = (done: (error: Error | undefined, channel: ClientChannel) => void) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done)
    expect(await outcome(forward)).toMatch(/open failure/)
    const listen = new Promise((resolve) => client.forwardIn('127.0.0.1', 0, resolve))
    expect(String(await listen)).toMatch(/Unable to bind/)
    client.end()
  })

  test.each([['subsystem', 'sftp'], ['exec', 'scp -t .'], ['shell']])(
    'has CHANNEL_FAILURE for a second request, %s, and goes on (RFC 4254 section 6.5)',
    async (...request) => {
      const [verb, ...names] = request
      const client = await connect(bench)
      const sftp = await openRaw(client)
      // The client library asks for one program a channel: what is beneath it has to be told.
      const protocol: object = Reflect.get(client, '_protocol')
      const { id } = Reflect.get(sftp.channel, 'outgoing') as { id: number }
      const answers = Reflect.get(sftp.channel, '_callbacks') as ((failed: boolean) => void)[]
      const ask = Reflect.get(protocol, verb) as (...fields: unknown[]) => void
      const failed = new Promise((resolve, reject) => {
        answers.push(resolve)
        client.on('close', () => reject(new Error('the connection is gone')))
      })
      ask.call(protocol, id, ...names, false)
      ask.call(protocol, id, ...names, true)
      expect(await failed).toBe(true)
      expect((await sftp.ask(packetType.stat, '/')).type).toBe(packetType.attrs)
      client.end()
    },
  )

  test('that does nothing more is closed after the idle time', async () => {
    const brief = await startBench({ limits: { idleMs: 80, lingerMs: 50 } })
    const client = await connect(brief)
    await once(client, 'close')
    await until(() => brief.drop.events.includes('closed'), 'the admission is closed')
    await brief.listener.stop(0)
  })

  test('of a peer that does not answer keep-alives is over', async () => {
    const brief = await startBench({ limits: { keepAliveMs: 20 } })
    const socket = connectSocket(brief.listener.port, '127.0.0.1')
    const client = await connect(brief, { sock: socket })
    client.on('error', () => undefined)
    await openRaw(client)
    socket.pause()
    await until(() => brief.drop.events.includes('closed'), 'the connection is closed')
    expect(brief.drop.events).toContain('end the connection was lost')
    await brief.listener.stop(0)
  })
})

describe('startSftpListener()', () => {
  test('refuses a host key that is not Ed25519', async () => {
    const options = { host: '127.0.0.1', port: 0 }
    const { doorkeeper, log } = { doorkeeper: (await startBench()).drop, log: console }
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).private
    for (const hostKey of [rsa, 'nonsense']) {
      await expect(startSftpListener({ ...options, hostKey, doorkeeper, log })).rejects.toThrow(
        /^Cannot use the host key/,
      )
    }
  })

  test('offers no algorithm that a scanner fails, unless `compat` asks for it', async () => {
    for (const [algorithms, old] of [
      ['strict', false],
      ['compat', true],
    ] as const) {
      const bench = await startBench({ algorithms })
      const socket = connectSocket(bench.listener.port, '127.0.0.1')
      socket.write('SSH-2.0-scan\r\n')
      let text = ''
      socket.on('data', (bytes) => (text += bytes.toString('latin1')))
      await until(() => text.includes('none'), 'the offer has come')
      expect(text).toContain('SSH-2.0-Rosterdrop\r\n')
      expect(text.indexOf('aes256-gcm@openssh.com')).toBeLessThan(text.indexOf('aes128-ctr'))
      expect(text.includes('hmac-sha1')).toBe(old)
      expect(text).not.toMatch(/ssh-rsa|ssh-dss|cbc|group-exchange|group1-|md5|arcfour|zlib/)
      socket.destroy()
      await bench.listener.stop(0)
    }
  })

  test('fingerprint() is the one that clients show', async () => {
    const bench = await startBench()
    let seen = ''
    const client = await connect(bench, {
      hostHash: 'sha256',
      hostVerifier: (hash: string) => {
        seen = Buffer.from(hash, 'hex').toString('base64').replace(/=+$/, '')
        return true
      },
    })
    expect(bench.listener.fingerprint).toBe(`SHA256:${seen}`)
    const key = generateHostKey()
    expect(fingerprint(key)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
    client.end()
    await bench.listener.stop(0)
  })
})
