import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { isAppError } from '../../src/domain/error.ts'
import { acceptProxy, parseProxyHeader, plainAddress } from '../../src/listeners/proxy-protocol.ts'
import type { SocketEnds } from '../../src/listeners/proxy-protocol.ts'

const signature = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

function binary(command: number, family: number, body: number[]): Uint8Array {
  return Uint8Array.from([
    ...signature,
    command,
    family,
    body.length >> 8,
    body.length & 255,
    ...body,
  ])
}

const ipv4 = binary(0x21, 0x11, [203, 0, 113, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x08, 0xae])
const ipv6Body = [
  '20010db8000000000000000000000007',
  '00000000000000000000000000000000',
  'd43108ae',
].flatMap((hex) => [...Buffer.from(hex, 'hex')])

describe('parseProxyHeader()', () => {
  test.each<[string, string | Uint8Array, SocketEnds | null]>([
    [
      'version 1, IPv4',
      'PROXY TCP4 203.0.113.7 10.0.0.1 54321 2222\r\n',
      { address: '203.0.113.7', port: 54_321, destinationPort: 2_222 },
    ],
    [
      'version 1, IPv6',
      'PROXY TCP6 2001:db8::7 ::1 54321 2222\r\n',
      { address: '2001:db8::7', port: 54_321, destinationPort: 2_222 },
    ],
    ['version 1, unknown', 'PROXY UNKNOWN\r\n', null],
    ['version 1, unknown with words', 'PROXY UNKNOWN a b c d\r\n', null],
    ['version 2, IPv4', ipv4, { address: '203.0.113.7', port: 54_321, destinationPort: 2_222 }],
    [
      'version 2, IPv6 with what else a proxy tells',
      binary(0x21, 0x21, [...ipv6Body, 4, 0, 1, 0]),
      { address: '2001:db8::7', port: 54_321, destinationPort: 2_222 },
    ],
    ['version 2, from the proxy itself', binary(0x20, 0, []), null],
    ['version 2, unspecified family', binary(0x21, 0, []), null],
  ])('reads %s, and asks for more until the last byte', (_, header, ends) => {
    const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header
    for (let length = 0; length < bytes.length; length += 1) {
      expect(parseProxyHeader(bytes.subarray(0, length))).toBeUndefined()
    }
    const more = Uint8Array.from([...bytes, 83, 83, 72])
    expect(parseProxyHeader(more)).toEqual({ length: bytes.length, ends })
  })

  test.each([
    'SSH-2.0-x\r\n',
    'PROXY TCP4 203.0.113.7 10.0.0.1 54321\r\n',
    'PROXY TCP4 203.0.113.7 10.0.0.1 54321 65536\r\n',
    'PROXY TCP4 203.0.113.7 10.0.0.1 -1 2222\r\n',
    'PROXY TCP4 localhost 10.0.0.1 54321 2222\r\n',
    'PROXY UDP4 203.0.113.7 10.0.0.1 54321 2222\r\n',
    'PROXY TCP4 203.0.113.7 10.0.0.1 54321 2222\rx',
    `PROXY ${'x'.repeat(200)}`,
    Uint8Array.from([...signature, 0x31, 0x11, 0, 12]),
    Uint8Array.from([...signature, 0x21, 0x11, 0xff, 0xff]),
    binary(
      0x21,
      0x31,
      Array.from({ length: 216 }, () => 0),
    ),
    binary(0x21, 0x11, [1, 2, 3]),
  ])('refuses anything else: %s', (header) => {
    const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header
    expect(() => parseProxyHeader(bytes)).toThrow(/^Cannot read the PROXY header: /)
  })

  test('survives 5,000 mutated headers with a header, undefined or AppError', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed % below
    }
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Uint8Array.from(ipv4)
      for (let n = random(4); n >= 0; n -= 1) bytes[random(bytes.length)] = random(256)
      try {
        parseProxyHeader(bytes.subarray(0, random(bytes.length + 1)))
      } catch (error) {
        if (!isAppError(error)) throw error
      }
    }
  })
})

describe('plainAddress()', () => {
  test.each([
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:db8::7', '2001:db8::7'],
  ])('%s counts as %s', (given, plain) => {
    expect(plainAddress(given)).toBe(plain)
  })
})

describe('acceptProxy()', () => {
  async function pair(
    pauseOnConnect = false,
  ): Promise<{ near: Socket; far: Socket; stop: () => void }> {
    const accepted = Promise.withResolvers<Socket>()
    const server = createServer({ pauseOnConnect }, accepted.resolve)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const far = connect(port, '127.0.0.1')
    far.on('error', () => undefined)
    const near = await accepted.promise
    near.on('error', () => undefined)
    const stop = (): void => {
      far.destroy()
      near.destroy()
      server.close()
    }
    return { near, far, stop }
  }

  test('takes the header off and leaves what came behind it', async () => {
    const { near, far, stop } = await pair()
    far.write(Buffer.concat([ipv4, Buffer.from('SSH-2.0-')]))
    expect(await acceptProxy(near)).toEqual({
      address: '203.0.113.7',
      port: 54_321,
      destinationPort: 2_222,
    })
    far.write('peer')
    let text = ''
    near.on('data', (chunk) => (text += String(chunk)))
    near.resume()
    while (text.length < 12) await once(near, 'data')
    expect(text).toBe('SSH-2.0-peer')
    stop()
  })

  test('takes the header off a socket that was accepted paused, and leaves it so', async () => {
    const { near, far, stop } = await pair(true)
    far.write(ipv4)
    expect((await acceptProxy(near)).address).toBe('203.0.113.7')
    expect(near.isPaused()).toBe(true)
    stop()
  })

  test('takes a header that comes byte by byte', async () => {
    const { near, far, stop } = await pair()
    far.setNoDelay(true)
    const accepted = acceptProxy(near)
    for (const byte of ipv4) {
      far.write(Uint8Array.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect((await accepted).address).toBe('203.0.113.7')
    stop()
  })

  test('rejects a bad header, a late one and an end', async () => {
    const bad = await pair()
    bad.far.write('GET / HTTP/1.1\r\n\r\n')
    await expect(acceptProxy(bad.near)).rejects.toThrow(/^Cannot read the PROXY header/)
    const late = await pair()
    await expect(acceptProxy(late.near, 20)).rejects.toThrow(/nothing came for 20 ms/)
    const ended = await pair()
    const accepted = acceptProxy(ended.near)
    ended.far.destroy()
    await expect(accepted).rejects.toThrow(/the connection ended/)
    for (const { near, stop } of [bad, late, ended]) {
      expect(near.listenerCount('data')).toBe(0)
      stop()
    }
  })
})
