import { stat } from 'node:fs/promises'
import { readCertificate } from './certificate.ts'
import type { CertificateFiles } from './certificate.ts'
import type { Log } from './domain/log.ts'
import type { Certificate } from './listeners/ftps/secure.ts'

// Renewals replace files by rename or through links, which a watch on the file itself does not see: it is looked at instead.
const everyMs = 10_000

/** A watch on the certificate's files. */
export interface CertificateWatch {
  /** Looks now, and takes the files whether they have changed or not: for SIGHUP. Never rejects. */
  reload(): Promise<void>
  stop(): void
}

/**
 * Hands the certificate to `take` whenever its files have changed.
 *
 * A pair that does not fit is logged and looked at again: the old one stays in use.
 */
export async function watchCertificate(options: {
  files: Pick<CertificateFiles, 'certFile' | 'keyFile'>
  take: (certificate: Certificate) => void
  log: Log
  everyMs?: number
}): Promise<CertificateWatch> {
  const { files, take, log } = options

  async function state(): Promise<string> {
    const found = await Promise.all(
      [files.certFile, files.keyFile].map((file) => stat(file).catch(() => undefined)),
    )
    return found.map((one) => `${one?.ino} ${one?.size} ${one?.mtimeMs}`).join(', ')
  }

  async function look(whatever: boolean): Promise<void> {
    try {
      const now = await state()
      if (now === seen && !whatever) return
      // Once for each change, fitting or not: the second file of a renewal is a change of its own.
      seen = now
      take(await readCertificate(files))
      log.info('certificate taken', { file: files.certFile })
    } catch (error) {
      log.warn('certificate not taken, the old one stays in use', { file: files.certFile, error })
    }
  }

  let seen = await state()
  const timer = setInterval(() => void look(false), options.everyMs ?? everyMs).unref()
  return {
    reload: () => look(true),
    stop: () => clearInterval(timer),
  }
}
