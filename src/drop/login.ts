import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Account } from '../domain/account.ts'
import type { Clock } from '../domain/clock.ts'
import type { Peer } from '../domain/drop.ts'
import type { Log } from '../domain/log.ts'
import type { StateStore } from '../domain/state.ts'
import type { DropLimits } from './limits.ts'
import { sourceOf } from './network.ts'
import type { PasswordHasher } from './password.ts'
import { whyBarred } from './roll-call.ts'
import type { Proof } from './roll-call.ts'

export interface LoginOptions {
  state: Pick<StateStore, 'accounts'>
  hasher: PasswordHasher
  clock: Clock
  limits: DropLimits
  log: Log
}

/** Who may come in, and by what. */
export interface Proved {
  account: Account
  proof: Proof
}

/** Decides whether a name and its proof let a peer in. */
export function createLogin({ state, hasher, clock, limits, log }: LoginOptions) {
  // Verified passwords are remembered by a keyed digest, so that the memory holds none of them.
  const secret = randomBytes(32)
  // Where a name has proved itself from: whoever guesses it elsewhere does not slow it down there.
  const places = new Map<string, number>()
  const remembered = new Map<string, { digest: Buffer; until: number }>()

  function usable(account: Account | undefined, peer: Peer): account is Account {
    return whyBarred(account, peer, clock.now()) === undefined
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

  /** A verified password of an outdated hash makes a new one; the hash that the account has then. */
  async function renewed({ id, name }: Account, stored: string, password: string): Promise<string> {
    if (!hasher.isOutdated(stored)) return stored
    try {
      const fresh = await hasher.hash(password)
      if (await state.accounts.rehash(id, stored, fresh)) return fresh
      // Another login was faster, or the password has just been changed.
      const other = (await state.accounts.findByName(name))?.passwordHash
      return other != null && (await hasher.verify(other, password)) ? other : stored
    } catch (error) {
      // The login is right all the same; the next one tries again.
      log.error('password not hashed anew', { account: id, error })
      return stored
    }
  }

  function remember(key: string, digest: Buffer): void {
    if (remembered.size >= limits.remembered) remembered.clear()
    remembered.set(key, { digest, until: clock.now() + limits.rememberMs })
  }

  const placeKey = (name: string, address: string): string => `${sourceOf(address)} ${name}`

  function know(name: string, address: string): void {
    if (places.size >= limits.remembered) places.clear()
    places.set(placeKey(name, address), clock.now() + limits.knownMs)
  }

  return {
    /** Whether `name` has logged in from this address by password not long ago. */
    knows: (name: string, address: string): boolean =>
      (places.get(placeKey(name, address)) ?? 0) > clock.now(),
    /** Undefined for nobody; takes as long for an unknown name as for a wrong password. */
    async byPassword(name: string, password: string, peer: Peer): Promise<Proved | undefined> {
      const account = await state.accounts.findByName(name)
      const stored = account?.passwordHash
      if (Buffer.byteLength(password) > limits.passwordBytes || stored == null) {
        await hasher.burn(password.slice(0, limits.passwordBytes))
        return undefined
      }
      // A new password or a changed account makes another key.
      const keyOf = (hash: string): string => `${account?.id} ${hash}`
      const digest = createHash('sha256').update(secret).update(password).digest()
      if (isRemembered(keyOf(stored), digest)) {
        return usable(account, peer) ? { account, proof: { passwordHash: stored } } : undefined
      }
      if (!(await hasher.verify(stored, password))) return undefined
      if (!usable(account, peer)) return undefined
      const passwordHash = await renewed(account, stored, password)
      remember(keyOf(passwordHash), digest)
      know(name, peer.address)
      return { account, proof: { passwordHash } }
    },
    /** Who has this public key; undefined for nobody. */
    async byKey(
      name: string,
      algorithm: string,
      blob: string,
      peer: Peer,
    ): Promise<Proved | undefined> {
      const account = await state.accounts.findByName(name)
      if (!usable(account, peer)) return undefined
      const has = account.keys.some(
        (key) => key.blob === blob && sameKind(key.algorithm, algorithm),
      )
      return has ? { account, proof: { keyBlob: blob } } : undefined
    },
  }
}

// An RSA key is stored as `ssh-rsa` and used with SHA-2 signatures (RFC 8332 section 3).
function sameKind(stored: string, used: string): boolean {
  const plain = (algorithm: string) => (algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm)
  return plain(stored) === plain(used)
}
