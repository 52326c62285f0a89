import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../../domain/error.ts'
import type { Session } from './connect.ts'

// Between two looks whether another process has let go; it holds a lock for some milliseconds.
const lookMs = 10
// Longer than any honest holder takes: rather an error than a caller that hangs.
const longestWaitMs = 60_000

/** Locks of one session: PostgreSQL lets go of them when the process dies or its connection is cut. */
export function createLocks(open: () => Promise<Session>) {
  let opening: Promise<Session> | undefined
  const tails = new Map<string, Promise<unknown>>()
  const taken = new Map<string, Session>()

  async function session(): Promise<Session> {
    for (;;) {
      opening ??= open()
      const mine = opening
      try {
        const opened = await mine
        if (!opened.lost) return opened
      } catch (error) {
        if (opening === mine) opening = undefined
        throw error
      }
      if (opening === mine) opening = undefined
    }
  }

  async function tryLock({ sql }: Session, name: string): Promise<boolean> {
    const [row] = await sql`SELECT pg_try_advisory_lock(hashtextextended(${name}, 0)) AS got`
    return row?.['got'] === true
  }

  /** A session that is gone has let go already. */
  async function unlock({ sql, lost }: Session, name: string): Promise<void> {
    if (lost) return
    await sql`SELECT pg_advisory_unlock(hashtextextended(${name}, 0))`.catch(() => undefined)
  }

  async function hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    const held = await session()
    const end = performance.now() + longestWaitMs
    while (!(await tryLock(held, name))) {
      if (performance.now() > end) {
        throw new AppError('unavailable', 'Cannot go on: another process holds the lock, try again')
      }
      await pause(lookMs * (0.5 + Math.random()))
    }
    try {
      return await work()
    } finally {
      await unlock(held, name)
    }
  }

  return {
    /** Runs `work` while nobody else holds `name`; callers of this process queue up, those of others look in turn. */
    exclusive<T>(name: string, work: () => Promise<T>): Promise<T> {
      // The session would give its own lock twice.
      const turn = (tails.get(name) ?? Promise.resolve()).then(() => hold(name, work))
      const tail = turn
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => {
          if (tails.get(name) === tail) tails.delete(name)
        })
      tails.set(name, tail)
      return turn
    },
    /** Takes `name` if it is free; what is returned lets go of it. */
    async take(name: string): Promise<(() => Promise<void>) | undefined> {
      const held = await session()
      // The session would give its own lock twice; one that is gone has let go.
      if (taken.get(name)?.lost === false) return undefined
      taken.set(name, held)
      let got = false
      try {
        got = await tryLock(held, name)
      } finally {
        if (!got && taken.get(name) === held) taken.delete(name)
      }
      if (!got) return undefined
      return async () => {
        if (taken.get(name) === held) taken.delete(name)
        await unlock(held, name)
      }
    },
    async end(): Promise<void> {
      const last = await opening?.catch(() => undefined)
      await last?.end()
    },
  }
}
