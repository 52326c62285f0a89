import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password } from '../../drop/door.ts'
import { benchOfFile, connect, loggedIn, secureData, startBench, until } from './raw.ts'
import type { Bench, RawFtp } from './raw.ts'

const bench = await benchOfFile()
let ftp: RawFtp

describe('active mode', () => {
  /** A port of the client, as PORT and EPRT announce it. */
  async function ownPort(): Promise<{ port: number; next: Promise<Socket>; close: () => void }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const next = once(server, 'connection').then(([socket]) => socket as Socket)
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return { port, next, close: () => void server.close() }
  }
  let active: Bench
  beforeAll(async () => {
    active = await startBench({ active: true, limits: { passiveMs: 500 } })
  })
  afterAll(() => active.stop())

  test('is off unless it is switched on: 502, and nobody is connected to', async () => {
    ftp = await loggedIn(bench)
    const own = await ownPort()
    const numbers = `127,0,0,1,${own.port >> 8},${own.port & 255}`
    expect(await ftp.ask(`PORT ${numbers}`)).toMatch(/^502 /)
    expect(await ftp.ask('STOR a.csv')).toMatch(/^425 /)
    expect(await ftp.ask('FEAT')).not.toContain('EPRT')
    own.close()
  })

  test.each<[string, (port: number) => string]>([
    ['PORT', (port) => `PORT 127,0,0,1,${port >> 8},${port & 255}`],
    ['EPRT', (port) => `EPRT |1|127.0.0.1|${port}|`],
    ['EPRT with another delimiter', (port) => `EPRT !1!127.0.0.1!${port}!`],
  ])('%s: this side connects when the transfer begins', async (_, line) => {
    ftp = await loggedIn(active)
    const own = await ownPort()
    expect(await ftp.ask(line(own.port))).toMatch(/^200 /)
    expect(await ftp.ask('STOR a.csv')).toMatch(/^150 /)
    // The side that connects is still the server of TLS (RFC 4217 section 7).
    const secured = await secureData(await own.next)
    secured.end('email\n')
    expect(await ftp.next()).toMatch(/^226 /)
    expect(await ftp.ask('FEAT')).toContain('\r\n EPRT\r\n')
    own.close()
    await active.clear()
  })

  test.each([
    ['PORT 127,0,0,2,200,0', 504],
    ['PORT 127,0,0,1,0,22', 504],
    ['PORT 127,0,0,1,3,255', 504],
    ['PORT 10,0,0,1,200,0', 504],
    ['PORT 127,0,0,1,256,0', 501],
    ['PORT 127.0.0.1', 501],
    ['PORT', 501],
    ['EPRT |1|127.0.0.2|51200|', 504],
    ['EPRT |1|127.0.0.1|80|', 504],
    ['EPRT |2|::1|51200|', 504],
    ['EPRT |3|x|51200|', 522],
    ['EPRT |1|::1|51200|', 501],
    ['EPRT |1|127.0.0.1|99999|', 501],
    ['EPRT', 501],
  ])('%s is refused with %i: only the own address and ports from 1024', async (line, wanted) => {
    ftp = await loggedIn(active)
    expect(await ftp.ask(line)).toMatch(new RegExp(`^${wanted} `))
    expect(await ftp.ask('LIST')).toMatch(/^425 /)
  })

  test('a port that does not answer is 425, and leaves nothing', async () => {
    ftp = await loggedIn(active)
    const own = await ownPort()
    own.close()
    await ftp.ask(`EPRT |1|127.0.0.1|${own.port}|`)
    await ftp.ask('STOR a.csv')
    expect(await ftp.next()).toMatch(/^425 /)
    expect(await active.names()).toEqual([])
  })

  test('after EPSV ALL it is refused too (RFC 2428 section 4)', async () => {
    ftp = await loggedIn(active)
    await ftp.ask('EPSV ALL')
    expect(await ftp.ask('PORT 127,0,0,1,200,0')).toMatch(/^503 /)
    expect(await ftp.ask('EPRT |1|127.0.0.1|51200|')).toMatch(/^503 /)
  })
})

describe('IPv6', () => {
  test('EPSV is used, PASV says so, and an address of IPv4 in IPv6 counts as IPv4', async () => {
    const six = await startBench({ host: '::1' })
    const tcp = connectSocket(six.listener.implicitPort, '::1')
    await once(tcp, 'connect')
    const tls = await secureData(tcp)
    let text = ''
    tls.on('data', (chunk) => (text += String(chunk)))
    const ask = async (line: string): Promise<string> => {
      text = ''
      tls.write(`${line}\r\n`)
      await until(() => text.endsWith('\r\n'), 'a reply comes')
      return text
    }
    await until(() => text.startsWith('220'), 'it greets')
    await ask('USER maple')
    await ask(`PASS ${password}`)
    expect(await ask('PASV')).toMatch(/^425 .*EPSV/)
    expect(await ask('EPSV 1')).toMatch(/^522 .*\(2\)/)
    expect(await ask('EPSV 2')).toMatch(/^229 /)
    tls.destroy()
    await six.stop()
    const both = await startBench({ host: '::' })
    ftp = await loggedIn(both)
    expect(await ftp.ask('PASV')).toMatch(/^227 .*\(127,0,0,1,/)
    expect(await ftp.upload('STOR a.csv', 'x\n')).toMatch(/^226 /)
    ftp.destroy()
    await both.stop()
    ftp = await loggedIn(bench)
  })
})

describe('behind a proxy', () => {
  // Below the ports that outgoing connections take: behind a proxy, a port in use cannot be passed over.
  const first = 23_100
  const ports = { first, last: first + 50 }
  const signature = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12])

  function header(version: 1 | 2, address: string, destinationPort: number): string | Buffer {
    if (version === 1) return `PROXY TCP4 ${address} 10.0.0.1 40000 ${destinationPort}\r\n`
    const ends = Buffer.from([...address.split('.').map(Number), 10, 0, 0, 1, 0x9c, 0x40, 0, 0])
    ends.writeUInt16BE(destinationPort, 10)
    return Buffer.concat([signature, ends])
  }

  let proxied: Bench
  beforeAll(async () => {
    proxied = await startBench({
      proxyProtocol: true,
      passive: { ports, announced: '203.0.113.1' },
    })
  })
  afterAll(() => proxied.stop())

  async function come(version: 1 | 2, address: string): Promise<RawFtp> {
    const one = await connect(proxied.listener.explicitPort, {
      header: header(version, address, 21),
    })
    await one.login()
    return one
  }

  async function data(version: 1 | 2, address: string, to: number): Promise<TLSSocket> {
    const tcp = connectSocket(first, '127.0.0.1')
    tcp.on('error', () => undefined)
    await once(tcp, 'connect')
    tcp.write(header(version, address, to))
    return secureData(tcp)
  }

  const portOf = (reply: string): number => Number(/\|(\d+)\|\)$/.exec(reply)?.[1])

  test.each([1, 2] as const)(
    'version %i: the address counts, and data finds its transfer by the port that it was sent to',
    async (version) => {
      ftp = await come(version, '198.51.100.7')
      const other = await come(version, '198.51.100.8')
      const [own, others] = [portOf(await ftp.ask('EPSV')), portOf(await other.ask('EPSV'))]
      expect(own).not.toBe(others)
      await ftp.ask('STOR a.csv')
      await other.ask('STOR b.csv')
      const [one, two] = [
        await data(version, '198.51.100.7', own),
        await data(version, '198.51.100.8', others),
      ]
      two.end('two\n')
      one.end('one\n')
      expect(await ftp.next()).toMatch(/^226 /)
      expect(await other.next()).toMatch(/^226 /)
      expect(String(await proxied.stored('a.csv'))).toBe('one\n')
      expect(String(await proxied.stored('b.csv'))).toBe('two\n')
      const entries = await proxied.state.audit.list({ tenantId: 'ten_maple', limit: 50 })
      const found = entries.find(({ event, path }) => event === 'CLOSE' && path === '/a.csv')
      expect(found?.address).toBe('198.51.100.7')
      other.destroy()
      await proxied.clear()
    },
  )

  test('data finds its transfer too where the proxy keeps the ports apart', async () => {
    ftp = await come(2, '198.51.100.7')
    const own = portOf(await ftp.ask('EPSV'))
    await ftp.ask('STOR a.csv')
    const tcp = connectSocket(own, '127.0.0.1')
    await once(tcp, 'connect')
    tcp.write(header(2, '198.51.100.7', own))
    const secured = await secureData(tcp)
    secured.end('x\n')
    expect(await ftp.next()).toMatch(/^226 /)
    await proxied.clear()
  })

  test('a data connection of another client, or to another port, is refused and harms nobody', async () => {
    ftp = await come(2, '198.51.100.7')
    const own = portOf(await ftp.ask('EPSV'))
    await ftp.ask('STOR a.csv')
    for (const [address, port] of [
      ['198.51.100.9', own],
      ['198.51.100.7', own === first ? own + 1 : own - 1],
    ] as const) {
      const tcp = connectSocket(first, '127.0.0.1')
      tcp.on('error', () => undefined)
      await once(tcp, 'connect')
      tcp.write(header(2, address, port))
      await once(tcp, 'close')
    }
    const right = await data(2, '198.51.100.7', own)
    right.end('x\n')
    expect(await ftp.next()).toMatch(/^226 /)
    await proxied.clear()
  })

  test('a connection without the header is closed without a word', async () => {
    ftp = await connect(proxied.listener.explicitPort, {
      greeting: false,
      header: 'USER maple\r\n',
    })
    await expect(ftp.next()).rejects.toThrow(/closed by the server, after ""/)
  })
})
