import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { generate } from 'selfsigned'
import { writeKey } from './keys.ts'
import type { Certificate } from './listeners/ftps/certificate.ts'

/** Where the certificate of FTPS and its key are. */
export interface CertificateFiles {
  certFile: string
  keyFile: string
  /** Made by itself at the first start, as none is configured. */
  selfSigned: boolean
}

/** The files that are configured, or those in the data folder. */
export function certificateFiles(
  configured: { tlsCertFile: string | null; tlsKeyFile: string | null },
  own: { tlsCertFile: string; tlsKeyFile: string },
): CertificateFiles {
  const { tlsCertFile, tlsKeyFile } = configured
  return tlsCertFile !== null && tlsKeyFile !== null
    ? { certFile: tlsCertFile, keyFile: tlsKeyFile, selfSigned: false }
    : { certFile: own.tlsCertFile, keyFile: own.tlsKeyFile, selfSigned: true }
}

/** Reads the certificate; a self-signed one is made when there is none yet. */
export async function loadCertificate(
  { certFile, keyFile, selfSigned }: CertificateFiles,
  options: { host: string; now: number },
): Promise<Certificate> {
  if (selfSigned && !(existsSync(certFile) && existsSync(keyFile))) {
    const { cert, key } = await generateCertificate(options.host, options.now)
    await writeKey(keyFile, key)
    await writeKey(certFile, cert)
  }
  return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }
}

// As long as operators forget about it; clients that pin it are told by the log at each start.
const validYears = 10

/** A self-signed certificate (ECDSA P-256) for a first start without one. */
async function generateCertificate(host: string, now: number): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now),
    notAfterDate: new Date(now + validYears * 365 * 86_400_000),
  })
  return { cert, key }
}
