import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { peer } from '../support/peers.ts'
import { startReal as startFtps } from './ftps/real.ts'
import type { RealServer as FtpsServer } from './ftps/real.ts'
import { startReal as startSftp } from './sftp/real.ts'
import type { RealServer as SftpServer } from './sftp/real.ts'

// What scanners say of the doors (promises.md P6); `docs/security.md` names them.

let sftp: SftpServer
let ftps: FtpsServer
beforeAll(async () => {
  sftp = await startSftp({ runtime: 'node' })
  ftps = await startFtps({ runtime: 'node' })
})
afterAll(async () => {
  await sftp.stop()
  await ftps.stop()
})

/** What a program prints; scanners end with other codes than 0 for mere hints. */
function output(program: string | undefined, args: readonly string[]): Promise<string> {
  const child = spawn(program ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (text += String(chunk)))
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', () => resolve(text))
  })
}

const audit = peer('ssh-audit')
const sslscan = peer('sslscan')

describe('scanners', () => {
  test.skipIf(audit === undefined)('ssh-audit finds nothing to fail of SFTP', async () => {
    const text = await output(audit, ['-n', '-p', String(sftp.port), '127.0.0.1'])
    expect(text).toMatch(/^\(kex\) curve25519-sha256 /m)
    expect(text).toMatch(/^\(gen\) compression: disabled$/m)
    expect(text).not.toMatch(/\[fail\]|\(cve\)|\(sec\)/)
    // MACs that Debian's curl needs, and what is newer than the scanner.
    const expected = /hmac-sha2-(?:256|512) |kex-strict-s-v00@openssh\.com/
    const warned = text.split('\n').filter((line) => line.includes('[warn]'))
    expect(warned.filter((line) => !expected.test(line))).toEqual([])
  })

  test.skipIf(sslscan === undefined).each(['explicit', 'implicit'] as const)(
    'sslscan finds TLS 1.2 and 1.3 with authenticated ciphers only: %s FTPS',
    async (mode) => {
      const explicit = mode === 'explicit'
      const port = explicit ? ftps.explicitPort : ftps.implicitPort
      const how = explicit ? ['--starttls-ftp'] : []
      const text = await output(sslscan, ['--no-colour', ...how, `127.0.0.1:${port}`])
      for (const old of ['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1']) {
        expect(text).toMatch(new RegExp(`^${old.replace('.', '\\.')} +disabled$`, 'm'))
      }
      expect(text).toMatch(/^TLSv1\.2 +enabled$/m)
      expect(text).toMatch(/^TLSv1\.3 +enabled$/m)
      const ciphers = [...text.matchAll(/^(?:Preferred|Accepted) .* bits +(\S+)/gm)]
      expect(ciphers.length).toBeGreaterThanOrEqual(6)
      expect(ciphers.filter(([, name]) => !/GCM|CHACHA20/.test(name ?? ''))).toEqual([])
    },
  )
})
