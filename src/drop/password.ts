import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { defaultLimits } from './limits.ts'

/** Hashes and verifies passwords, at most a few at once. */
export interface PasswordHasher {
  /** A PHC string (argon2id). */
  hash(password: string): Promise<string>
  verify(stored: string, password: string): Promise<boolean>
  /** Takes as long as a verification, for names that do not exist. */
  burn(password: string): Promise<void>
}

// OWASP's least for argon2id: 19 MiB, two passes, one lane; 20 to 30 ms here.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** A hasher that never runs more than `atOnce` hashes: each takes a thread that file writes need too. */
export function createPasswordHasher(atOnce: number = defaultLimits.hashes): PasswordHasher {
  let running = 0
  const waiting: (() => void)[] = []
  // Of a password that nobody knows: `burn` verifies against it.
  let dummy: Promise<string> | undefined

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }

  return {
    hash: (password) => inTurn(() => hash(password, cost)),
    verify: (stored, password) => inTurn(() => verify(stored, password).catch(() => false)),
    async burn(password) {
      dummy ??= hash(randomBytes(16).toString('hex'), cost)
      const stored = await dummy
      await inTurn(() => verify(stored, password).catch(() => false))
    },
  }
}
