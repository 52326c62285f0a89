import type { Reply } from './reply.ts'

// Answers of a thousand pollers, or a hundred pages of runs.
const mostBytes = 8 * 1024 ** 2
// A URL longer than this is nobody's poll.
const longestKey = 300

/** Replies that are still what the store would say. */
export interface Recall {
  /** `now`: the store's mark. */
  get(key: string, now: number | undefined): Reply | undefined
  /** Keeps a reply that was made from what was read after the store's mark was `mark`. */
  keep(key: string, reply: Reply, mark: number | undefined): void
}

/** Remembers replies until anything is written; `mark` is the state's. */
export function createRecall(mark: () => number | undefined): Recall {
  const replies = new Map<string, Reply>()
  let bytes = 0
  let made: number | undefined

  function forget(): void {
    replies.clear()
    bytes = 0
  }

  return {
    get(key, now) {
      if (now === undefined) return undefined
      if (now !== made) {
        forget()
        made = now
        return undefined
      }
      return replies.get(key)
    },
    keep(key, reply, at) {
      // What was read before the latest write may be old already.
      if (at === undefined || at !== made || at !== mark()) return
      if (key.length > longestKey || reply.status !== 200) return
      if (bytes > mostBytes) forget()
      bytes += reply.body?.length ?? 0
      replies.set(key, reply)
    },
  }
}
