import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { generateCertificate, readCertificate } from '../../src/certificate.ts'
import { watchCertificate } from '../../src/certificate-watch.ts'
import type { CertificateWatch } from '../../src/certificate-watch.ts'
import type { Certificate } from '../../src/listeners/ftps/secure.ts'
import { removeFolder, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-certificate-'))
const files = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
const [first, second] = await Promise.all(
  ['first.example', 'second.example'].map((host) => generateCertificate(host, Date.now())),
)

function write({ cert, key }: Certificate): void {
  writeFileSync(files.certFile, cert)
  writeFileSync(files.keyFile, key)
}

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await claim());) {
    if (Date.now() > deadline) throw new Error('It never came to pass')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

afterAll(() => rmSync(folder, { recursive: true }))

describe('readCertificate()', () => {
  test('gives a pair that belongs together, and refuses every other by name', async () => {
    if (first === undefined || second === undefined) throw new Error('no certificates')
    write(first)
    expect(await readCertificate(files)).toEqual(first)
    writeFileSync(files.keyFile, second.key)
    await expect(readCertificate(files)).rejects.toThrow(/tls\.key" is the key of another/)
    writeFileSync(files.keyFile, 'no key')
    await expect(readCertificate(files)).rejects.toThrow(/two PEM files are needed/)
    rmSync(files.keyFile)
    await expect(readCertificate(files)).rejects.toThrow(/cannot be read/)
  })
})

describe('watchCertificate()', () => {
  const taken: Certificate[] = []
  const warned: string[] = []
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message: string) => void warned.push(message),
    error: () => undefined,
  }
  let watch: CertificateWatch

  beforeAll(async () => {
    if (first === undefined) throw new Error('no certificate')
    write(first)
    watch = await watchCertificate({
      files,
      take: (certificate) => taken.push(certificate),
      log,
      everyMs: 20,
    })
  })
  afterEach(() => {
    taken.length = 0
    warned.length = 0
  })
  afterAll(() => watch.stop())

  test('takes a renewed pair, also when its files come one after the other or by rename', async () => {
    if (second === undefined) throw new Error('no certificate')
    writeFileSync(`${files.certFile}.new`, second.cert)
    renameSync(`${files.certFile}.new`, files.certFile)
    await until(() => warned.length > 0)
    expect(taken).toEqual([])
    writeFileSync(`${files.keyFile}.new`, second.key)
    renameSync(`${files.keyFile}.new`, files.keyFile)
    await until(() => taken.length > 0)
    expect(taken).toEqual([second])
  })

  test('reload() takes it unchanged too', async () => {
    await watch.reload()
    expect(taken).toEqual([second])
  })
})

describe('a server that runs', () => {
  let server: StartedServer

  beforeAll(async () => {
    if (first === undefined) throw new Error('no certificate')
    write(first)
    const env = { TLS_CERT_FILE: files.certFile, TLS_KEY_FILE: files.keyFile }
    server = await startServer({ env })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })

  function shown(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: server.ftpsImplicitPort, rejectUnauthorized: false }, () => {
        const { CN } = socket.getPeerCertificate().subject
        resolve(Array.isArray(CN) ? CN[0] : CN)
        socket.destroy()
      })
      socket.on('error', reject)
    })
  }

  test('takes another certificate at SIGHUP, without a restart', async () => {
    if (second === undefined) throw new Error('no certificate')
    expect(await shown()).toBe('first.example')
    write(second)
    server.process.kill('SIGHUP')
    await until(async () => (await shown()) === 'second.example')
  })

  test('takes it by itself when its files change', async () => {
    if (first === undefined) throw new Error('no certificate')
    write(first)
    await until(async () => (await shown()) === 'first.example')
  })
})
