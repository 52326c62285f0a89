import type { Algorithms } from 'ssh2'

/**
 * What a scanner passes without a fail: no SHA-1, no CBC, no group exchange (which ssh2 offers and then
 * throws at), no compression. AES-GCM first because it costs 3/5 of what chacha20 costs here.
 */
const strict = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ],
  serverHostKey: ['ssh-ed25519'],
  cipher: [
    'aes256-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'aes256-ctr',
    'aes192-ctr',
    'aes128-ctr',
  ],
  // The last two are for libssh2 before 1.11, as Debian's curl has it: a scanner warns, and does not fail.
  hmac: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
  ],
  compress: ['none'],
} satisfies Algorithms

/** For devices from before 2014: still no SHA-1 signature and no CBC, but older MACs and groups. */
const compat = {
  ...strict,
  kex: [...strict.kex, 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'diffie-hellman-group14-sha256'],
  hmac: [...strict.hmac, 'hmac-sha1'],
} satisfies Algorithms

/** Named sets of algorithms; `compat` has to be asked for. */
export const algorithmProfiles = { strict, compat } as const

export type AlgorithmProfile = keyof typeof algorithmProfiles
