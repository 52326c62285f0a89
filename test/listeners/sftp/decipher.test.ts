import { KeyObject, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import ssh2 from 'ssh2'
import type { CipherAlgorithm, MacAlgorithm, ServerChannel } from 'ssh2'
import { describe, expect, test } from 'vitest'
import { algorithmProfiles } from '../../../src/listeners/sftp/algorithms.ts'
import { prepareCipherKeys } from '../../../src/listeners/sftp/cipher-keys.ts'
import { generateHostKey } from '../../../src/listeners/sftp/host-key.ts'

const hostKey = generateHostKey()
const sizes = [1, 15, 16, 17, 255, 32_767, 32_768, 100_000]

function decipherOf(connection: object): object {
  const protocol: unknown = Reflect.get(connection, '_protocol')
  const decipher: unknown =
    typeof protocol === 'object' && protocol !== null ? Reflect.get(protocol, '_decipher') : null
  if (typeof decipher === 'object' && decipher !== null) return decipher
  throw new Error('ssh2 has its decipher somewhere else')
}

/** A server whose ciphers are prepared, what came to it, and a client that has opened a channel. */
async function pair(cipher: CipherAlgorithm, mac: MacAlgorithm, spoil: (bytes: Buffer) => void) {
  let came = Buffer.alloc(0)
  const wholes: boolean[] = []
  let failed = ''
  let rekey = (): void => undefined
  const server = new ssh2.Server({ hostKeys: [hostKey], algorithms: algorithmProfiles.strict })
  server.on('connection', (connection) => {
    connection.on('error', (error: Error) => (failed = error.message))
    rekey = () => connection.rekey()
    connection.on('handshake', () => {
      prepareCipherKeys(connection)
      wholes.push(Object.hasOwn(decipherOf(connection), 'decrypt'))
    })
    connection.on('authentication', (context) => context.accept())
    connection.on('session', (accept) => {
      accept().on('exec', (take: () => ServerChannel) => {
        const channel = take()
        channel.on('data', (bytes: Buffer) => (came = Buffer.concat([came, bytes])))
        channel.on('end', () => channel.end())
      })
    })
  })
  const listener = createServer((socket) => {
    socket.on('error', () => undefined)
    server.injectSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socket = connectSocket(port, '127.0.0.1')
  const write = socket.write.bind(socket)
  socket.write = (bytes: Buffer, ...rest: []) => {
    const sent = Buffer.from(bytes)
    spoil(sent)
    return write(sent, ...rest)
  }
  const client = new ssh2.Client()
  client.on('error', () => undefined)
  const algorithms = { cipher: [cipher], hmac: [mac] }
  client.connect({ sock: socket, username: 'x', password: 'x', algorithms })
  await once(client, 'ready')
  const opened = Promise.withResolvers<ssh2.ClientChannel>()
  client.exec('x', (error, channel) => (error ? opened.reject(error) : opened.resolve(channel)))
  const channel = await opened.promise
  return {
    client,
    channel,
    wholes,
    came: () => came,
    failed: () => failed,
    rekey: () => rekey(),
    stop: () => {
      client.destroy()
      listener.close()
    },
  }
}

describe('prepareCipherKeys()', () => {
  // What that is worth is a matter of time, which no test is about: `npm run bench -- sftp big`.
  test.each([
    ['aes256-gcm@openssh.com', 'hmac-sha2-256'],
    ['aes256-ctr', 'hmac-sha2-256-etm@openssh.com'],
    ['aes256-ctr', 'hmac-sha2-512'],
  ] as const)(
    '%s with %s: bare ssh2 has keys in bytes, which Node copies and checks for each packet; here they are KeyObjects',
    async (cipher, mac) => {
      const keys = (connection: object): unknown[] =>
        ['_cipher', '_decipher'].flatMap((side) => {
          const protocol: object = Reflect.get(connection, '_protocol')
          const fields = Object.entries(Reflect.get(protocol, side) as object)
          return fields
            .filter(([name]) => /Key/.test(name))
            .map(([, key]: [string, unknown]) => key)
        })
      const seen: { bare: unknown[]; prepared: unknown[] }[] = []
      const server = new ssh2.Server({ hostKeys: [hostKey], algorithms: algorithmProfiles.strict })
      server.on('connection', (connection) => {
        connection.on('error', () => undefined)
        connection.on('authentication', (context) => context.accept())
        connection.on('handshake', () => {
          const bare = keys(connection)
          prepareCipherKeys(connection)
          seen.push({ bare, prepared: keys(connection) })
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const client = new ssh2.Client()
      client.on('error', () => undefined)
      const algorithms = { cipher: [cipher], hmac: [mac] }
      client.connect({ host: '127.0.0.1', port, username: 'x', password: 'x', algorithms })
      await once(client, 'ready')
      client.destroy()
      server.close()
      const [{ bare, prepared } = { bare: [], prepared: [] }] = seen
      // Of a MAC, or of a cipher that begins anew with each packet.
      expect(bare.length).toBeGreaterThanOrEqual(2)
      expect(bare.filter((key) => !Buffer.isBuffer(key))).toEqual([])
      expect(prepared.filter((key) => !(key instanceof KeyObject))).toEqual([])
    },
  )
})

describe('takeWholePackets()', () => {
  const [, , ...ctr] = algorithmProfiles.strict.cipher
  test.each([
    ['aes256-gcm@openssh.com', 'hmac-sha2-256', true],
    ['aes128-gcm@openssh.com', 'hmac-sha2-256', true],
    ...ctr.map((cipher) => [cipher, 'hmac-sha2-256-etm@openssh.com', true] as const),
    ['aes128-ctr', 'hmac-sha2-512-etm@openssh.com', true],
    // The length is encrypted there: ssh2 does it.
    ['aes128-ctr', 'hmac-sha2-256', false],
  ] as const)('%s with %s brings every byte, through new keys', async (cipher, mac, whole) => {
    const { channel, came, wholes, rekey, stop } = await pair(cipher, mac, () => undefined)
    const sent: Buffer[] = []
    for (let round = 0; round < 3; round += 1) {
      for (const size of sizes) {
        const bytes = randomBytes(size)
        sent.push(bytes)
        channel.write(bytes)
      }
      rekey()
      await expect.poll(() => wholes.length, { timeout: 10_000 }).toBe(round + 2)
    }
    const closed = once(channel, 'close')
    channel.end()
    channel.resume()
    await closed
    expect(came().equals(Buffer.concat(sent))).toBe(true)
    expect(wholes).toEqual([whole, whole, whole, whole])
    stop()
  })

  test.each([
    ['aes256-gcm@openssh.com', 'hmac-sha2-256'],
    ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com'],
  ] as const)('%s with %s takes nothing that has been touched', async (cipher, mac) => {
    for (const place of [4, 40, -1]) {
      let spoiling = false
      const tested = await pair(cipher, mac, (bytes) => {
        const at = place < 0 ? bytes.length + place : place
        if (spoiling && bytes.length > 1_000) bytes[at] = (bytes[at] ?? 0) ^ 1
      })
      spoiling = true
      tested.channel.write(Buffer.alloc(2_000, 'x'))
      await expect.poll(tested.failed, { timeout: 10_000 }).not.toBe('')
      expect(tested.came()).toHaveLength(0)
      tested.stop()
    }
  })

  test('a length out of bounds ends the connection', async () => {
    for (const length of [0, 15, 40_000, 0xffffffff]) {
      let spoiling = false
      const tested = await pair('aes256-gcm@openssh.com', 'hmac-sha2-256', (bytes) => {
        // ssh2 writes the length first, in a piece of its own or not.
        if (spoiling) bytes.writeUInt32BE(length)
        spoiling = false
      })
      spoiling = true
      tested.channel.write(Buffer.alloc(2_000, 'x'))
      await expect.poll(tested.failed, { timeout: 10_000 }).toBe('Bad packet length')
      tested.stop()
    }
  })
})
