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
import type { Proved } from './login.ts'
import { createNameDelays } from './name-delay.ts'
import { networkSet } from './network.ts'
import { createPasswordHasher } from './password.ts'
import type { PasswordHasher } from './password.ts'
import { createPenalties } from './penalty.ts'
import { createQuota } from './quota.ts'
import type { Quota } from './quota.ts'
import { createRollCall } from './roll-call.ts'
import { openSession } from './session.ts'
import { createTurnstile } from './turnstile.ts'

export interface DoorkeeperOptions {
  state: StateStore
  files: FileStore
  clock: Clock
  log: Log
  /** A file of this tenant has been committed, after so many bytes were uploaded; 0: it was given its name. */
  onCommit: (tenantId: string, uploadedBytes: number) => void
  hasher?: PasswordHasher
  limits?: Partial<DropLimits>
  /** Shared with other ways that files come; default: one of its own. */
  quota?: Quota
  /** Addresses and networks (CIDR) without penalty and without limit of connections, such as a load balancer's. */
  allowList?: readonly string[]
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)))

/** Lets peers in by address, number and proof, and opens their drop sessions (spec/promises.md, limits). */
export function createDoorkeeper(
  options: DoorkeeperOptions,
): Doorkeeper & { penalties: PenaltyBook } {
  const { state, clock, log } = options
  const limits: DropLimits = { ...defaultLimits, ...options.limits }
  const hasher = options.hasher ?? createPasswordHasher(limits.hashes)
  const login = createLogin({ state, hasher, clock, limits, log })
  const isAllowed = networkSet(options.allowList ?? [])
  const penalties = createPenalties({ clock, limits, signals: state.signals })
  const names = createNameDelays({ clock, limits })
  const turnstile = createTurnstile({ clock, limits })
  const quota = options.quota ?? createQuota({ files: options.files, clock, limits })
  const rollCall = createRollCall({ accounts: state.accounts, clock, limits, log })

  function refuse(peer: Peer, why: string): never {
    log.info('connection refused', { address: peer.address, protocol: peer.protocol, why })
    throw new AppError('too_many', `Cannot let the connection in: ${why}, try again later`)
  }

  function admit(peer: Peer): Admission {
    const allowed = isAllowed(peer.address)
    if (!allowed) {
      if (penalties.waitMs(peer.address) > 0)
        refuse(peer, 'too many failed logins from this address')
      const full = turnstile.isFull(peer.address)
      if (full !== undefined) refuse(peer, full)
    }
    const passage = turnstile.enter(peer.address)
    const who: Peer = { ...peer }
    const begun = clock.now()
    let closed = false
    let wrong = 0
    let account: Account | undefined
    let barred: (reason: string) => void = () => undefined
    /** Who has offered keys of which none was right: told when nothing better follows. */
    let offered: string | undefined

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

    function refused(over: boolean): never {
      throw new AppError(
        over ? 'too_many' : 'unauthenticated',
        'Cannot log in: the name or its password or key is not right',
      )
    }

    /** The wait before a password is looked at, which leaves time to answer before the deadline. */
    function guessDelayMs(name: string): number {
      if (login.knows(name, who.address)) return 0
      const left = begun + limits.loginDeadlineMs - limits.nameLeavesMs - clock.now()
      return Math.max(0, Math.min(names.delayMs(name), left))
    }

    async function letIn({ account: found, proof }: Proved, method: string): Promise<DropSession> {
      if (closed) throw new AppError('unavailable', 'Cannot log in: the connection is closed')
      if (rollCall.sessions(found.id) >= limits.sessionsPerAccount) {
        audit('AUTH_FAILURE', found.name, `${method}, too many sessions`)
        throw new AppError(
          'too_many',
          `Cannot log in: the account has ${limits.sessionsPerAccount} sessions, close one first`,
        )
      }
      account = found
      passage.loggedIn()
      const leave = rollCall.enter(found.id, { peer: who, proof, bar: (reason) => barred(reason) })
      audit('CONNECTED', found.name, method)
      // Pollers log in every minute: the time is kept no finer than that, and costs no write in between.
      if (clock.now() - (found.lastLoginAt ?? 0) > limits.rememberMs) {
        await state.accounts.touch(found.id, clock.now()).catch((error: unknown) => {
          leave()
          throw error
        })
      }
      const session = openSession({ ...options, limits, quota, account: found, peer: who })
      let ended = false
      return {
        ...session,
        async end(reason) {
          if (ended) return
          ended = true
          leave()
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
        await pause(guessDelayMs(name))
        const asked = clock.now()
        const found = await login.byPassword(name, password, who)
        if (found !== undefined) return letIn(found, 'password')
        wrong += 1
        audit('AUTH_FAILURE', name, 'password')
        names.failed(name)
        if (!allowed) penalties.add(who.address)
        // From the question on: how long the hash took, and whether there was one, does not show.
        await pause(asked + limits.refusalDelayMs - clock.now())
        return refused(wrong >= limits.wrongPasswords || penalties.waitMs(who.address) > 0)
      },
      async acceptsKey(name, algorithm, blob) {
        const accepts = (await login.byKey(name, algorithm, blob, who)) !== undefined
        if (!accepts) offered = name
        return accepts
      },
      async loginWithKey(name, algorithm, blob) {
        const asked = clock.now()
        const found = await login.byKey(name, algorithm, blob, who)
        if (found !== undefined) return letIn(found, 'publickey')
        // A client offers every key that it has: an unknown one is no guess at a password, and costs no penalty.
        offered = undefined
        audit('AUTH_FAILURE', name, 'publickey')
        await pause(asked + limits.refusalDelayMs - clock.now())
        return refused(false)
      },
      onBarred(listener) {
        barred = listener
      },
      close() {
        if (closed) return
        closed = true
        if (account === undefined && wrong === 0 && offered !== undefined) {
          audit('AUTH_FAILURE', offered, 'publickey')
        }
        passage.leave()
      },
    }
  }

  return { admit, penalties }
}
