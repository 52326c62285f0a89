import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { SecureVersion, TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import { createRecordScan } from '../../../src/listeners/ftps/records.ts'
import { connect, loggedIn, secureData, startBench } from './raw.ts'
import type { RawFtp } from './raw.ts'

// What Node's TLS does by itself that an upload cannot live with, each beside the same thing done right.

const certificate = await generateCertificate('localhost', Date.now())
const bench = await startBench()
let ftp: RawFtp | undefined
let close: (() => void) | undefined

afterEach(async () => {
  ftp?.destroy()
  close?.()
  close = undefined
  await bench.clear()
})
afterAll(() => bench.stop())

/** Node's own TLS server; what each connection sent, and how it ended. */
async function startBare(version: SecureVersion) {
  const ends: { bytes: number; how: string }[] = []
  const server = createTlsServer({ ...certificate, minVersion: version, maxVersion: version })
  server.on('secureConnection', (tls) => {
    let bytes = 0
    const ended = (how: string) => () => void ends.push({ bytes, how })
    tls.on('data', (chunk: Buffer) => (bytes += chunk.length))
    tls.once('end', ended('end'))
    tls.once('error', ended('error'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  close = () => server.close()
  return { port: (server.address() as AddressInfo).port, ends }
}

async function dial(port: number): Promise<Socket> {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

const half = 'email,firstName\nsomeone@maple.example,So'

async function sent(socket: Socket, version: SecureVersion): Promise<TLSSocket> {
  const tls = await secureData(socket, undefined, { maxVersion: version })
  await new Promise((resolve) => tls.write(half, resolve))
  await pause(20)
  return tls
}

describe("bare node:tls, and this listener's data connections", () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: a FIN without close_notify is an `end` like any other there, and a cut here',
    async (version) => {
      const bare = await startBare(version)
      const [polite, killed] = [await dial(bare.port), await dial(bare.port)]
      ;(await sent(polite, version)).end()
      await sent(killed, version)
      killed.end()
      await expect.poll(() => bare.ends.length).toBe(2)
      const whole = { bytes: half.length, how: 'end' }
      expect(bare.ends).toEqual([whole, whole])

      ftp = await loggedIn(bench)
      for (const [cut, reply] of [
        [false, /^226 /],
        [true, /^426 /],
      ] as const) {
        const data = await ftp.openData()
        await ftp.ask('STOR a.part')
        const tls = await sent(data, version)
        if (cut) data.end()
        else tls.end()
        expect(await ftp.next()).toMatch(reply)
      }
      expect(await bench.names()).toEqual(['a.part', 'a.part.incomplete'])
    },
  )

  test('a client that ends its TLS before the handshake is done has no close_notify to send', async () => {
    // What it sends is looked at from outside: in TLS 1.3 an alert would be a record of application data.
    const outgoing = createRecordScan()
    let encrypted = false
    let bytes = 0
    const server = createServer((socket) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        encrypted = outgoing.sees(chunk) || encrypted
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    close = () => server.close()
    const accepted = once(server, 'connection')
    const socket = await dial((server.address() as AddressInfo).port)
    connectTls({ socket, rejectUnauthorized: false })
      .on('error', () => undefined)
      .end()
    const [other] = await accepted
    await once(other, 'end')
    expect(bytes).toBeGreaterThan(100)
    expect(encrypted).toBe(false)
  })

  test('a client that closes without reading loses its end to the tickets of TLS 1.3 there, and not here', async () => {
    const bare = await startBare('TLSv1.3')
    const bytes = Buffer.alloc(300_000, 'row')
    async function put(socket: Socket): Promise<void> {
      const tls = connectTls({ socket, rejectUnauthorized: false })
      tls.on('error', () => undefined)
      await once(tls, 'secureConnect')
      // Nothing is read any more: what lies in the kernel at the close is answered with a reset.
      socket.pause()
      tls.end(bytes)
      await once(tls, 'finish')
      socket.destroySoon()
    }
    ftp = await connect(bench.listener.explicitPort)
    await ftp.login()
    let lost = 0
    for (let n = 0; n < 10; n += 1) {
      await put(await dial(bare.port))
      await expect.poll(() => bare.ends.length).toBe(n + 1)
      const last = bare.ends.at(-1)
      if (last?.how !== 'end' || last.bytes !== bytes.length) lost += 1
      const data = await ftp.openData()
      await ftp.ask('STOR a.part')
      await put(data)
      expect(await ftp.next()).toMatch(/^226 .* 300000 bytes/)
    }
    expect(lost).toBeGreaterThan(0)
  })
})
