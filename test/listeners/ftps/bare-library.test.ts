import { once } from 'node:events'
import { createRequire } from 'node:module'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { generateCertificate } from '../../../src/certificate.ts'
import { password } from '../../drop/door.ts'
import { connect, loggedIn, secureData, startBench, until } from './raw.ts'
import type { Bench, RawFtp } from './raw.ts'

// What is broken in ftp-srv as it comes, each beside the same thing done right: the reason for every file of the room.

interface BareServer {
  listen(): Promise<unknown>
  close(): Promise<unknown>
  on(event: 'login', listener: (data: unknown, resolve: (value: object) => void) => void): void
}

interface BareOptions {
  url: string
  pasv_url: string
  tls?: object
  log: object
}

type BareServerClass = new (options: BareOptions) => BareServer

const nothing = (): void => undefined
const quiet = {
  child: () => quiet,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
}

interface Bare {
  port: number
  folder: string
  stop(): Promise<void>
}

const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const
let signalHandlers = 0

async function startBare(): Promise<Bare> {
  // Its module has no types of its own that fit.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape above is held by the tests
  const FtpSrv = createRequire(import.meta.url)('ftp-srv') as BareServerClass
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-bare-'))
  const before = signals.map((signal) => process.listeners(signal))
  const { cert, key } = await generateCertificate('localhost', Date.now())
  const server = new FtpSrv({
    url: `ftp://127.0.0.1:${port}`,
    pasv_url: '127.0.0.1',
    tls: { cert, key, context: createSecureContext({ cert, key }) },
    log: quiet,
  })
  server.on('login', (_, resolve) => resolve({ root: folder }))
  await server.listen()
  // They call process.exit(0): not in the process of the tests.
  for (const [index, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (before[index]?.includes(listener) === true) continue
      signalHandlers += 1
      process.removeListener(signal, listener)
    }
  }
  return {
    port,
    folder,
    async stop() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

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
  data.on('error', nothing)
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

  test('signals that end the process are taken over there; this listener takes none', async () => {
    ftp = await connect(bare.port)
    other = await connect(bench.listener.explicitPort)
    expect(signalHandlers).toBe(3)
    const own = signals.flatMap((signal) => process.listeners(signal))
    expect(own.filter((listener) => String(listener).includes('quit'))).toEqual([])
  })
})
