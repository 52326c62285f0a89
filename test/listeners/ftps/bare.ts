import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { generateCertificate } from '../../../src/certificate.ts'

interface BareServer {
  listen(): Promise<unknown>
  close(): Promise<unknown>
  on(
    event: 'login',
    listener: (
      data: { password: string },
      resolve: (value: object) => void,
      reject: (error: Error) => void,
    ) => void,
  ): void
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

/** ftp-srv as it comes, over a folder of its own. */
export interface Bare {
  port: number
  folder: string
  /** Handlers of signals that it has installed; they are taken away again. */
  signalHandlers: number
  stop(): Promise<void>
}

export const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

/** Starts it; the password `wrong` is refused, and every other is taken. */
export async function startBare(): Promise<Bare> {
  let signalHandlers = 0
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
  server.on('login', (data, resolve, reject) => {
    if (data.password === 'wrong') reject(new Error('wrong'))
    else resolve({ root: folder })
  })
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
    signalHandlers,
    async stop() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
