import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Account } from '../domain/account.ts'
import type { Clock } from '../domain/clock.ts'
import type { Peer } from '../domain/drop.ts'
import type { StateStore } from '../domain/state.ts'
import type { DropLimits } from './limits.ts'
import { networkSet } from './network.ts'
import type { PasswordHasher } from './password.ts'

export interface LoginOptions {
  state: Pick<StateStore, 'accounts'>
  hasher: PasswordHasher
  clock: Clock
  limits: DropLimits
}

/** Decides whether a name and its proof let a peer in. */
export function createLogin({ state, hasher, clock, limits }: LoginOptions) {
  // Verified passwords are remembered by a keyed digest, so that the memory holds none of them.
  const secret = randomBytes(32)
  const remembered = new Map<string, { digest: Buffer; until: number }>()

  function usable(account: Account | undefined, peer: Peer): account is Account {
    return (
      account !== undefined &&
      !account.disabled &&
      (account.expiresAt === null || account.expiresAt > clock.now()) &&
      account.protocols.includes(peer.protocol) &&
      (account.allowedNetworks.length === 0 || networkSet(account.allowedNetworks)(peer.address))
    )
  }

  function isRemembered(key: string, digest: Buffer): boolean {
    const entry = remembered.get(key)
    if (entry === undefined) return false
    if (entry.until <= clock.now()) {
      remembered.delete(key)
      return false
    }
    return timingSafeEqual(entry.digest, digest)
  }

  function remember(key: string, digest: Buffer): void {
    if (remembered.size >= limits.remembered) remembered.clear()
    remembered.set(key, { digest, until: clock.now() + limits.rememberMs })
  }

  return {
    /** The account, or undefined; takes as long for an unknown name as for a wrong password. */
    async byPassword(name: string, password: string, peer: Peer): Promise<Account | undefined> {
      const account = await state.accounts.findByName(name)
      const stored = account?.passwordHash
      if (Buffer.byteLength(password) > limits.passwordBytes || stored == null) {
        await hasher.burn(password.slice(0, limits.passwordBytes))
        return undefined
      }
      // A new password or a changed account makes another key.
      const key = `${account?.id} ${stored}`
      const digest = createHash('sha256').update(secret).update(password).digest()
      if (!isRemembered(key, digest)) {
        if (!(await hasher.verify(stored, password))) return undefined
        remember(key, digest)
      }
      return usable(account, peer) ? account : undefined
    },
    /** The account that has this public key, or undefined. */
    async byKey(
      name: string,
      algorithm: string,
      blob: string,
      peer: Peer,
    ): Promise<Account | undefined> {
      const account = await state.accounts.findByName(name)
      if (!usable(account, peer)) return undefined
      const has = account.keys.some(
        (key) => key.blob === blob && sameKind(key.algorithm, algorithm),
      )
      return has ? account : undefined
    },
  }
}

// An RSA key is stored as `ssh-rsa` and used with SHA-2 signatures (RFC 8332 section 3).
function sameKind(stored: string, used: string): boolean {
  const plain = (algorithm: string) => (algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm)
  return plain(stored) === plain(used)
}
