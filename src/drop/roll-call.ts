import { clearInterval, setInterval } from 'node:timers'
import type { Account } from '../domain/account.ts'
import type { Clock } from '../domain/clock.ts'
import type { Peer } from '../domain/drop.ts'
import type { Log } from '../domain/log.ts'
import type { StateStore } from '../domain/state.ts'
import type { DropLimits } from './limits.ts'
import { networkSet } from './network.ts'

/** What a session has proved itself with. */
export type Proof = { passwordHash: string } | { keyBlob: string }

function isLeft(account: Account, proof: Proof): boolean {
  if ('passwordHash' in proof) return account.passwordHash === proof.passwordHash
  return account.keys.some(({ blob }) => blob === proof.keyBlob)
}

/** Why `peer` may not be logged in to `account` at `now`, by `proof` if it is known; undefined when it may. */
export function whyBarred(
  account: Account | undefined,
  peer: Peer,
  now: number,
  proof?: Proof,
): string | undefined {
  if (account === undefined) return 'the account was removed'
  if (account.disabled) return 'the account is disabled'
  if (account.expiresAt !== null && account.expiresAt <= now) return 'the account has expired'
  if (!account.protocols.includes(peer.protocol)) {
    return `the account may not use ${peer.protocol.toUpperCase()}`
  }
  const networks = account.allowedNetworks
  if (networks.length > 0 && !networkSet(networks)(peer.address)) {
    return 'the account may not be used from this address'
  }
  if (proof !== undefined && !isLeft(account, proof)) {
    return 'passwordHash' in proof ? 'the password was changed' : 'the key was removed'
  }
  return undefined
}

/** Someone who has logged in. */
export interface Present {
  peer: Peer
  proof: Proof
  /** Called when they may go on no longer. */
  bar: (reason: string) => void
}

/**
 * Who is logged in, and whether they still may be: asked every second, so that what another process or the time has
 * changed counts for open sessions too.
 */
export function createRollCall(options: {
  accounts: Pick<StateStore['accounts'], 'among'>
  clock: Clock
  limits: DropLimits
  log: Log
}) {
  const { accounts, clock, limits, log } = options
  const present = new Map<string, Set<Present>>()
  let timer: NodeJS.Timeout | undefined
  let calling = false

  async function call(): Promise<void> {
    if (calling) return
    calling = true
    try {
      // Those who come in the meantime have just been looked at.
      const asked = [...present]
      const found = await accounts.among(asked.map(([id]) => id))
      const byId = new Map(found.map((account) => [account.id, account]))
      for (const [id, sessions] of asked) {
        for (const { peer, proof, bar } of sessions) {
          const reason = whyBarred(byId.get(id), peer, clock.now(), proof)
          if (reason !== undefined) bar(reason)
        }
      }
    } catch (error) {
      // A database that does not answer stops intake, not those who are in (promises.md P10); readiness tells of it.
      log.debug('accounts of open sessions not looked at', { error })
    } finally {
      calling = false
    }
  }

  function watch(): void {
    if (present.size === 0) {
      clearInterval(timer)
      timer = undefined
    } else if (timer === undefined) {
      timer = setInterval(() => void call(), limits.rollCallMs)
      timer.unref()
    }
  }

  return {
    /** Sessions of an account. */
    sessions: (accountId: string): number => present.get(accountId)?.size ?? 0,
    /** A session has begun. Returns what ends that. */
    enter(accountId: string, one: Present): () => void {
      const sessions = present.get(accountId) ?? new Set()
      present.set(accountId, sessions.add(one))
      watch()
      return () => {
        if (sessions.delete(one) && sessions.size === 0) present.delete(accountId)
        watch()
      }
    },
  }
}
