import type { Account } from '../domain/account.ts'
import type { Clock } from '../domain/clock.ts'
import type { Admission, Doorkeeper, DropSession, Peer } from '../domain/drop.ts'
import { AppError } from '../domain/error.ts'
import type { Log } from '../domain/log.ts'
import type { PenaltyBook } from '../domain/penalty.ts'
import type { AuditEvent, StateStore } from '../domain/state.ts'
import type { FileStore } from '../domain/storage.ts'
import { defaultLimits } from './limits.ts'
import type { DropLimits } from './limits.ts'
import { createLogin } from './login.ts'
import { createPasswordHasher } from './password.ts'
import type { PasswordHasher } from './password.ts'
import { networkSet, sourceOf } from './network.ts'
import { createPenalties } from './penalty.ts'
import { createQuota } from './quota.ts'
import { openSession } from './session.ts'

export interface DoorkeeperOptions {
  state: StateStore
  files: FileStore
  clock: Clock
  log: Log
  /** A file of this tenant has been committed. */
  onCommit: (tenantId: string) => void
  hasher?: PasswordHasher
  limits?: Partial<DropLimits>
  /** Addresses and networks (CIDR) without penalty and without limit of connections, such as a load balancer's. */
  allowList?: readonly string[]
}

/** Lets peers in by address, number and proof, and opens their drop sessions (spec/promises.md, limits). */
export function createDoorkeeper(
  options: DoorkeeperOptions,
): Doorkeeper & { penalties: PenaltyBook } {
  const { state, clock, log } = options
  const limits: DropLimits = { ...defaultLimits, ...options.limits }
  const hasher = options.hasher ?? createPasswordHasher(limits.hashes)
  const login = createLogin({ state, hasher, clock, limits })
  const isAllowed = networkSet(options.allowList ?? [])
  const penalties = createPenalties({ clock, limits })
  const quota = createQuota({ files: options.files, clock, limits })
  const connections = new Map<string, number>()
  const sessions = new Map<string, number>()
  let startups = 0

  const count = (map: Map<string, number>, key: string, by: 1 | -1): void => {
    const value = (map.get(key) ?? 0) + by
    if (value === 0) map.delete(key)
    else map.set(key, value)
  }

  /** sshd's random early drop: a flood of connections must not keep the next honest one out. */
  function dropsEarly(): boolean {
    const { startupsBegin, startupsRate, startupsFull } = limits
    if (startups < startupsBegin) return false
    if (startups >= startupsFull) return true
    const share = (startups - startupsBegin) / Math.max(1, startupsFull - startupsBegin)
    const rate = startupsRate + (100 - startupsRate) * share
    return ((clock.random(1)[0] ?? 0) / 256) * 100 < rate
  }

  function refuse(peer: Peer, why: string): never {
    log.info('connection refused', { address: peer.address, protocol: peer.protocol, why })
    throw new AppError('too_many', `Cannot let the connection in: ${why}, try again later`)
  }

  function admit(peer: Peer): Admission {
    const source = sourceOf(peer.address)
    const allowed = isAllowed(peer.address)
    if (!allowed) {
      if (penalties.waitMs(peer.address) > 0)
        refuse(peer, 'too many failed logins from this address')
      if ((connections.get(source) ?? 0) >= limits.connectionsPerAddress) {
        refuse(peer, 'too many connections from this address')
      }
      if (dropsEarly()) refuse(peer, 'too many connections that have not logged in')
    }
    count(connections, source, 1)
    startups += 1
    const who: Peer = { ...peer }
    let waiting = true
    let closed = false
    let wrong = 0
    let account: Account | undefined

    function audit(event: AuditEvent, name: string, detail: string | null): void {
      state.audit.append({
        at: clock.now(),
        tenantId: account?.tenantId ?? null,
        event,
        // Up to 100 characters: what a guesser types is kept, but not without bound.
        actor: name.slice(0, 100),
        address: who.address,
        protocol: who.protocol,
        clientVersion: who.clientVersion,
        path: null,
        bytes: null,
        detail,
      })
    }

    function leaveStartup(): void {
      if (waiting) startups -= 1
      waiting = false
    }

    async function refused(name: string, method: string, penalty: boolean): Promise<never> {
      audit('AUTH_FAILURE', name, method)
      if (penalty && !allowed) penalties.add(who.address)
      await new Promise((resolve) => setTimeout(resolve, limits.refusalDelayMs))
      wrong += 1
      const over = wrong >= limits.wrongPasswords || penalties.waitMs(who.address) > 0
      throw new AppError(
        over ? 'too_many' : 'unauthenticated',
        'Cannot log in: the name or its password or key is not right',
      )
    }

    async function letIn(found: Account, method: string): Promise<DropSession> {
      if (closed) throw new AppError('unavailable', 'Cannot log in: the connection is closed')
      if ((sessions.get(found.id) ?? 0) >= limits.sessionsPerAccount) {
        throw new AppError(
          'too_many',
          `Cannot log in: the account has ${limits.sessionsPerAccount} sessions, close one first`,
        )
      }
      account = found
      leaveStartup()
      count(sessions, found.id, 1)
      audit('CONNECTED', found.name, method)
      // Pollers log in every minute: the time is kept no finer than that, and costs no write in between.
      if (clock.now() - (found.lastLoginAt ?? 0) > limits.rememberMs) {
        await state.accounts.touch(found.id, clock.now())
      }
      const session = openSession({ ...options, limits, quota, account: found, peer: who })
      let ended = false
      return {
        ...session,
        async end(reason) {
          if (ended) return
          ended = true
          count(sessions, found.id, -1)
          await session.end(reason)
          audit('DISCONNECTED', found.name, reason)
        },
      }
    }

    return {
      peer: who,
      loginDeadlineMs: limits.loginDeadlineMs,
      identify(clientVersion) {
        who.clientVersion = clientVersion.slice(0, 100)
      },
      async loginWithPassword(name, password) {
        const found = await login.byPassword(name, password, who)
        return found === undefined ? refused(name, 'password', true) : letIn(found, 'password')
      },
      async acceptsKey(name, algorithm, blob) {
        return (await login.byKey(name, algorithm, blob, who)) !== undefined
      },
      async loginWithKey(name, algorithm, blob) {
        const found = await login.byKey(name, algorithm, blob, who)
        // A client offers every key that it has: an unknown one is no guess at a password.
        return found === undefined ? refused(name, 'publickey', false) : letIn(found, 'publickey')
      },
      close() {
        if (closed) return
        closed = true
        leaveStartup()
        count(connections, source, -1)
      },
    }
  }

  return { admit, penalties }
}
