import { generate } from 'selfsigned'

/** A certificate with its key, PEM. */
export interface Certificate {
  cert: string
  key: string
}

// As long as operators forget about it; clients that pin it are told by the log at each start.
const validYears = 10

/** A self-signed certificate (ECDSA P-256) for a first start without one. */
export async function generateCertificate(host: string, now: number): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now),
    notAfterDate: new Date(now + validYears * 365 * 86_400_000),
  })
  return { cert, key }
}
