import type { Context } from 'hono'
import type { Clock } from '../src/domain/clock.ts'
import type { Caller, HttpEnv } from './auth.ts'
import { unlessKnown } from './reply.ts'
import type { Reply } from './reply.ts'
import { plain, requestIdOf } from './shell.ts'
import type { Observe } from './shell.ts'

// Answers of thousands of pollers, or a hundred pages of runs.
const mostBytes = 8 * 1024 ** 2
// A URL and a token longer than this are nobody's poll.
const longestKey = 500

interface Kept {
  reply: Reply
  route: string
  tenant: string | null
  runId: string | undefined
  /** When the token expires, or its last use has to be kept. */
  until: number
}

/** What of a request decides its answer. */
export interface Asked {
  method: string
  url: string
  /** By its name in lower case. */
  header: (name: string) => string | undefined
}

/** Answers that are given again to the same token for the same URL while nothing at all was written. */
export interface Recall {
  /** Grows with every write; undefined where nothing can be recalled. */
  mark(): number | undefined
  /** The answer of before, when it is still what the store would say. */
  answer: (asked: Asked) => Reply | undefined
  /** Keeps a reply that was made from what was read after the mark was `mark`. */
  keep(
    context: Context<HttpEnv>,
    reply: Reply,
    from: { caller: Caller; route: string; mark: number | undefined },
  ): void
}

/**
 * A recall in front of the routes; `mark` is the state's.
 *
 * A revoked token, a changed run or anything else that is written lets go of all of it.
 */
export function createRecall({
  mark,
  clock,
  observe,
}: {
  mark: () => number | undefined
  clock: Clock
  observe: Observe
}): Recall {
  const answers = new Map<string, Kept>()
  let bytes = 0
  let made: number | undefined

  function forget(): void {
    answers.clear()
    bytes = 0
  }

  return {
    mark,
    answer({ method, url, header }) {
      if (answers.size === 0 || method !== 'GET') return undefined
      const kept = answers.get(`${header('authorization')} ${url}`)
      if (kept === undefined) return undefined
      if (mark() !== made || clock.now() > kept.until) {
        forget()
        return undefined
      }
      // Who waits for a change wants no answer of before.
      if (header('prefer') !== undefined) return undefined
      const start = performance.now()
      const reply = unlessKnown(kept.reply, header('if-none-match'))
      const requestId = requestIdOf(header('x-request-id'))
      const { route, tenant, runId } = kept
      observe({ method, route, status: reply.status, start, requestId, tenant, runId })
      return plain(reply, requestId)
    },
    keep({ req }, reply, { caller, route, mark: at }) {
      // What was read before the latest write may be old already.
      if (at === undefined || at !== mark()) return
      if (req.method !== 'GET' || reply.status !== 200) return
      if (req.header('prefer') !== undefined) return
      const key = `${req.header('authorization')} ${req.url}`
      if (key.length > longestKey) return
      if (at !== made || bytes > mostBytes) forget()
      made = at
      bytes += key.length + (reply.body?.length ?? 0)
      const { tenantId: tenant, goodUntil: until = 0 } = caller
      answers.set(key, { reply, route, tenant, runId: req.param('id'), until })
    },
  }
}
