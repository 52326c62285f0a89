export const protocols = ['sftp', 'ftps'] as const
export type Protocol = (typeof protocols)[number]

/** A public key in OpenSSH's words: `ssh-ed25519 AAAA… comment`. */
export interface AccountKey {
  algorithm: string
  /** The key blob, base64 without line breaks. */
  blob: string
  comment: string
}

/** A login to one tenant's drop folder. */
export interface Account {
  id: string
  tenantId: string
  /** Unique over all tenants; case-sensitive. */
  name: string
  /** PHC string (argon2id), bcrypt or `$6$`; null: keys only. */
  passwordHash: string | null
  keys: AccountKey[]
  protocols: Protocol[]
  /** CIDR ranges; empty: from anywhere. */
  allowedNetworks: string[]
  expiresAt: number | null
  disabled: boolean
  createdAt: number
  lastLoginAt: number | null
}

export const tokenScopes = ['operator', 'tenant', 'monitor'] as const
export type TokenScope = (typeof tokenScopes)[number]

/** A bearer token as stored: the token itself is shown once and not kept. */
export interface Token {
  id: string
  /** Null for scope `operator` only. */
  tenantId: string | null
  scope: TokenScope
  name: string
  /** SHA-256 of the token, lower-case hex. */
  hash: string
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
  revokedAt: number | null
}

export const sessionKinds = ['session', 'link'] as const

/** A sign-in to the console, or a one-time link that becomes one; the secret itself is not kept. */
export interface Session {
  /** SHA-256 of the secret, lower-case hex. */
  hash: string
  kind: (typeof sessionKinds)[number]
  scope: TokenScope
  /** Null for scope `operator` only. */
  tenantId: string | null
  /** Hash of the token that signed in: without it the session ends too. Null for a link. */
  tokenHash: string | null
  /** Who acts, for the audit. */
  name: string
  createdAt: number
  expiresAt: number
}
