import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import ssh2 from 'ssh2'
import type { ClientChannel, ConnectConfig, ServerConfig } from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'
import { packet, packetType } from '../../../src/listeners/sftp/wire.ts'
import { top } from '../../support/server.ts'
import { connect, openRaw, startBench, until } from './raw.ts'
import type { Bench } from './raw.ts'

// What is broken, or open, in ssh2's server as it comes, each beside the same thing done right.

type Served = (connection: ssh2.Connection) => void

/** ssh2's server and its own SFTP class, with as little around them as they need. */
async function startBare(served: Served, config: Partial<ServerConfig> = {}) {
  const server = new ssh2.Server({ hostKeys: [generateHostKey()], ...config }, (connection) => {
    connection.on('error', () => undefined)
    served(connection)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { listener: { port }, stop: () => server.close() }
}

const letIn: Served = (connection) => {
  connection.on('authentication', (context) => context.accept())
}

/** Accepts SFTP, opens whatever is asked for and answers no WRITE. */
const takeAll =
  (writes: Buffer[]): Served =>
  (connection) => {
    letIn(connection)
    connection.on('session', (accept) => {
      accept().on('sftp', (open) => {
        const sftp = open()
        sftp.on('OPEN', (id) => sftp.handle(id, Buffer.from('0001')))
        sftp.on('WRITE', (_id, _handle, _offset, data) => writes.push(data))
      })
    })
  }

/** Runs a module that starts ssh2's server and prints its port; resolves to the exit code once `attack` has been at it. */
async function lives(attack: (port: number) => Promise<unknown>, lines: string): Promise<boolean> {
  const script = `
    import ssh2 from 'ssh2'
    const key = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private
    const server = new ssh2.Server({ hostKeys: [key] }, (connection) => { ${lines} })
    server.listen(0, '127.0.0.1', () => console.log(server.address().port))
    setTimeout(() => process.exit(0), 20_000)`
  const args = ['--input-type=module', '-e', script]
  const child = execFile(process.execPath, args, { cwd: top }, () => undefined)
  const exited = once(child, 'exit')
  const [chunk] = await once(child.stdout ?? child, 'data')
  await attack(Number(String(chunk)))
  const dead = await Promise.race([exited.then(() => true), pause(300).then(() => false)])
  child.kill('SIGKILL')
  await exited
  return !dead
}

async function garbage(port: number): Promise<void> {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.end(`SSH-2.0-x\r\n${'garbage that is no packet'.repeat(20)}`)
  await once(socket.resume(), 'close')
}

let bench: Bench
let clients: ssh2.Client[] = []
let stopBare: (() => void) | undefined

beforeAll(async () => {
  bench = await startBench({ limits: { lingerMs: 100 } })
})
afterEach(() => {
  for (const client of clients) client.destroy()
  clients = []
  stopBare?.()
  stopBare = undefined
})
afterAll(() => bench.listener.stop(0))

async function bareOf(served: Served, config?: Partial<ServerConfig>) {
  const bare = await startBare(served, config)
  stopBare = bare.stop
  return bare
}

async function dial(at: { listener: { port: number } }, config: Partial<ConnectConfig> = {}) {
  const client = await connect(at, config)
  client.on('error', () => undefined)
  clients.push(client)
  return client
}

/** Closed within a little while. */
async function closes(channel: ClientChannel): Promise<boolean> {
  const closed = once(channel, 'close').then(() => true)
  channel.end()
  channel.resume()
  return Promise.race([closed, pause(400).then(() => false)])
}

describe("bare ssh2's server, and this listener", () => {
  test('a conversation that the client has ended stays open there, and ends here: sftp waits for that', async () => {
    const bare = await bareOf(takeAll([]))
    expect(await closes((await openRaw(await dial(bare))).channel)).toBe(false)
    expect(await closes((await openRaw(await dial(bench))).channel)).toBe(true)
  })

  test('WRITEs that nobody has answered are all taken there; here the client waits', async () => {
    const writes: Buffer[] = []
    const bare = await bareOf(takeAll(writes))
    const chunk = Buffer.alloc(32 * 1024)
    const count = 1_000
    async function flood(at: { listener: { port: number } }): Promise<ClientChannel> {
      const sftp = await openRaw(await dial(at))
      const handle = await sftp.open('/flood.csv', 0x1a)
      for (let n = 0; n < count; n += 1) {
        sftp.send(packet(packetType.write, 100 + n, handle, BigInt(n * chunk.length), chunk))
      }
      return sftp.channel
    }
    await flood(bare)
    await until(() => writes.length === count, 'all 32 MB are in the memory of the server')
    bench.drop.writeDelayMs = 1_000
    const channel = await flood(bench)
    await pause(500)
    expect(channel.writableLength).toBeGreaterThan((count * chunk.length) / 2)
    bench.drop.writeDelayMs = 0
  })

  test('passwords may be tried without end there, three times here', async () => {
    let asked = 0
    const bare = await bareOf((connection) => {
      connection.on('authentication', (context) => {
        if (context.method === 'password') asked += 1
        context.reject(['password'])
      })
    })
    async function guess({ listener }: { listener: { port: number } }): Promise<number> {
      let tried = 0
      const client = new ssh2.Client()
      clients.push(client)
      client.on('error', () => undefined)
      const closed = once(client, 'close')
      client.connect({
        host: '127.0.0.1',
        port: listener.port,
        username: 'maple',
        authHandler(_methods, _partial, next) {
          if (tried === 20) client.destroy()
          else next({ type: 'password', username: 'maple', password: `guess ${(tried += 1)}` })
        },
      })
      await closed
      return tried
    }
    expect(await guess(bare)).toBe(20)
    expect(asked).toBe(20)
    expect(await guess(bench)).toBeLessThanOrEqual(3)
  })

  test('a peer that says nothing stays there, and is closed after its time here', async () => {
    const bare = await bareOf(letIn)
    const brief = await startBench()
    brief.drop.loginDeadlineMs = 100
    const [there, here] = [bare, brief].map(({ listener }) => {
      const socket = connectSocket(listener.port, '127.0.0.1')
      socket.on('error', () => undefined)
      return socket.resume()
    })
    if (there === undefined || here === undefined) throw new Error('no sockets')
    await once(here, 'close')
    await pause(100)
    expect(there.closed).toBe(false)
    there.destroy()
    await brief.listener.stop(0)
  })

  test('as many connections of one address as it likes are let in there; here the door is asked', async () => {
    const bare = await bareOf(letIn)
    const greeted = async (port: number): Promise<string> => {
      const socket = connectSocket(port, '127.0.0.1')
      socket.on('error', () => undefined)
      const first = await Promise.race([
        once(socket, 'data').then(([bytes]) => String(bytes)),
        once(socket, 'close').then(() => ''),
      ])
      socket.destroy()
      return first
    }
    const port = bare.listener.port
    const all = await Promise.all(Array.from({ length: 100 }, () => greeted(port)))
    expect(all.every((line) => line.startsWith('SSH-2.0-'))).toBe(true)
    bench.drop.refuseAll = true
    expect(await greeted(bench.listener.port)).toBe('')
    bench.drop.refuseAll = false
  })

  test('an RSA host key signs with SHA-1 there, and is refused here', async () => {
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).private
    const bare = await bareOf(letIn, { hostKeys: [rsa] })
    const algorithms = { serverHostKey: ['ssh-rsa' as const] }
    const client = await dial(bare, { algorithms })
    expect(client).toBeDefined()
    await expect(connect(bench, { algorithms })).rejects.toThrow(/no matching host key format/)
    await expect(startBench({ hostKey: rsa })).rejects.toMatchObject({ code: 'invalid' })
  })

  test('a key exchange that it cannot do is offered there, and not here', async () => {
    const algorithms = { kex: ['diffie-hellman-group-exchange-sha256' as const] }
    const bare = await bareOf(letIn)
    // The exchange is agreed upon, and then nobody is there to do it.
    await expect(connect(bare, { algorithms })).rejects.not.toThrow(/no matching key exchange/)
    await expect(connect(bench, { algorithms })).rejects.toThrow(/no matching key exchange/)
  })

  test('a client that likes chacha20 gets it there, and AES-GCM here, which costs three fifths of it', async () => {
    const wish = ['chacha20-poly1305@openssh.com' as const, 'aes256-gcm@openssh.com' as const]
    async function cipher(at: { listener: { port: number } }): Promise<string> {
      const client = new ssh2.Client()
      clients.push(client)
      client.on('error', () => undefined)
      const shaken = once(client, 'handshake')
      client.connect({
        host: '127.0.0.1',
        port: at.listener.port,
        username: 'maple',
        password: 'sugar',
        algorithms: { cipher: wish },
      })
      const [negotiated] = await shaken
      return String(negotiated.cs.cipher)
    }
    expect(await cipher(await bareOf(letIn))).toBe('chacha20-poly1305@openssh.com')
    expect(await cipher(bench)).toBe('aes256-gcm@openssh.com')
  })

  test("Nagle's algorithm holds answers back there, and is off here", async () => {
    const bare = await bareOf(letIn)
    const off = vi.spyOn(Socket.prototype, 'setNoDelay')
    /** Calls on sockets of a server, by its port. */
    const calls = (port: number): number =>
      off.mock.contexts.filter((socket) => socket instanceof Socket && socket.localPort === port)
        .length
    await dial(bare)
    await dial(bench)
    expect(calls(bare.listener.port)).toBe(0)
    expect(calls(bench.listener.port)).toBe(1)
    off.mockRestore()
  })

  test('one host key of 256 cannot be read there, and every one here', () => {
    const broken = (key: string): boolean => ssh2.utils.parseKey(key) instanceof Error
    const bare = () => ssh2.utils.generateKeyPairSync('ed25519').private
    // By chance none in one run of nine million.
    expect(Array.from({ length: 4_096 }, bare).some(broken)).toBe(true)
    expect(Array.from({ length: 2_048 }, generateHostKey).some(broken)).toBe(false)
  })

  test('garbage ends the process there, unless somebody listens for it, and harms nobody here', async () => {
    expect(await lives(garbage, '')).toBe(false)
    expect(await lives(garbage, `connection.on('error', () => undefined)`)).toBe(true)
    await garbage(bench.listener.port)
    await openRaw(await dial(bench))
  })
})
