import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { hash, verify } from '@node-rs/argon2'
import { defaultLimits } from './limits.ts'
import { createTurns } from './turns.ts'

/** Hashes and verifies passwords, at most a few at once. */
export interface PasswordHasher {
  /** A PHC string (argon2id). */
  hash(password: string): Promise<string>
  /** False also for a hash of a kind that is not known. */
  verify(stored: string, password: string): Promise<boolean>
  /** Takes as long as a verification, for names that do not exist. */
  burn(password: string): Promise<void>
  /** True for a hash of another system, or of another cost: it is replaced at the next good login. */
  isOutdated(stored: string): boolean
}

// OWASP's least for argon2id: 19 MiB, two passes, one lane; 20 to 30 ms here.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const current = '$argon2id$v=19$m=19456,t=2,p=1$'
/** bcrypt and crypt(3)'s SHA-512, as accounts bring them along from another server. */
const legacy = /^\$(2[aby]|6)\$/
/** A cost that takes longer is a mistake: the thread is ended, and the login fails. */
const legacyMs = 10_000

async function verifyLegacy(stored: string, password: string): Promise<boolean> {
  const workerData = { stored, password }
  const worker = new Worker(new URL('./legacy-worker.ts', import.meta.url), { workerData })
  try {
    const [right] = await once(worker, 'message', { signal: AbortSignal.timeout(legacyMs) })
    return right === true
  } finally {
    await worker.terminate()
  }
}

/** A hasher that never runs more than `atOnce` hashes: each takes a thread that file writes need too. */
export function createPasswordHasher(atOnce: number = defaultLimits.hashes): PasswordHasher {
  const inTurn = createTurns(atOnce)
  // Of a password that nobody knows: `burn` verifies against it.
  let dummy: Promise<string> | undefined

  const check = (stored: string, password: string): Promise<boolean> =>
    inTurn(async () => {
      try {
        return await (legacy.test(stored) ? verifyLegacy : verify)(stored, password)
      } catch {
        return false
      }
    })

  return {
    hash: (password) => inTurn(() => hash(password, cost)),
    verify: check,
    async burn(password) {
      dummy ??= hash(randomBytes(16).toString('hex'), cost)
      await check(await dummy, password)
    },
    isOutdated: (stored) => !stored.startsWith(current),
  }
}
