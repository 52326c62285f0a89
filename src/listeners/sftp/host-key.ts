import { createHash } from 'node:crypto'
import ssh2 from 'ssh2'
import { AppError } from '../../domain/error.ts'

/** A new Ed25519 private key in OpenSSH's format. */
export function generateHostKey(): string {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519').private
    // ssh2 takes zeros off the head of the public half: one key in 256 is one that nobody can read.
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key
  }
}

/**
 * The fingerprint of a private or public host key as OpenSSH prints it: `SHA256:…`.
 *
 * Throws AppError `invalid` for what is no Ed25519 key: ssh2 would offer SHA-1 with an RSA key.
 */
export function fingerprint(key: string): string {
  const parsed = ssh2.utils.parseKey(key)
  if (parsed instanceof Error || parsed.type !== 'ssh-ed25519') {
    const what = parsed instanceof Error ? 'something else' : `of type ${parsed.type}`
    throw new AppError(
      'invalid',
      `Cannot use the host key: it is ${what}, an Ed25519 key in OpenSSH or PEM format is needed`,
    )
  }
  const digest = createHash('sha256').update(parsed.getPublicSSH()).digest('base64')
  return `SHA256:${digest.replace(/=+$/, '')}`
}
