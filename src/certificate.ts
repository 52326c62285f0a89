import { X509Certificate, createPrivateKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { AppError } from './domain/error.ts'
import { writeKey } from './keys.ts'
import type { Certificate } from './listeners/ftps/secure.ts'

/** Where the certificate of FTPS and its key are. */
export interface CertificateFiles {
  certFile: string
  keyFile: string
  /** Made by itself at the first start, as none is configured. */
  selfSigned: boolean
}

// As long as operators forget about it; clients that pin it are told by the log at each start.
const validYears = 10

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

/** A self-signed certificate (ECDSA P-256) for a first start without one. */
export async function generateCertificate(host: string, now: number): Promise<Certificate> {
  // Needed once in the life of an installation: not worth its 17 MB at every start.
  const { generate } = await import('selfsigned')
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now),
    notAfterDate: new Date(now + validYears * 365 * 86_400_000),
  })
  return { cert, key }
}

/**
 * Reads a certificate and its key.
 *
 * Throws AppError `invalid` when one of them cannot be read, or they do not belong together, as in mid-renewal.
 */
export async function readCertificate({
  certFile,
  keyFile,
}: Pick<CertificateFiles, 'certFile' | 'keyFile'>): Promise<Certificate> {
  let fits: boolean
  let certificate: Certificate
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    certificate = { cert, key }
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    throw new AppError(
      'invalid',
      `Cannot use the certificate "${certFile}" with the key "${keyFile}": one of them cannot be read, two PEM files are needed`,
      { cause: error },
    )
  }
  if (fits) return certificate
  throw new AppError(
    'invalid',
    `Cannot use the certificate "${certFile}": "${keyFile}" is the key of another, its own is needed`,
  )
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
  return readCertificate({ certFile, keyFile })
}
