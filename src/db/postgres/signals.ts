import { topics } from '../../domain/state.ts'
import type { Signals, Topic } from '../../domain/state.ts'
import { openSession } from './connect.ts'
import type { Postgres, Session } from './connect.ts'

const channel = 'rosterdrop'
const again = 1_000

/**
 * Words between processes by LISTEN and NOTIFY.
 *
 * A text is `topic` from a trigger, or `topic sender text`; the listener comes back by itself after a cut, and then
 * tells of every table, since something may have been missed.
 */
export function createSignals(sql: Postgres, url: string): Signals & { end(): Promise<void> } {
  const sender = crypto.randomUUID()
  const listeners = new Map<Topic, Set<(text: string) => void>>()
  let session: Session | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  let connecting: Promise<void> = Promise.resolve()

  function tell(topic: Topic, text: string): void {
    for (const listener of listeners.get(topic) ?? []) listener(text)
  }

  function heard(message: string): void {
    const [word = '', from, ...text] = message.split(' ')
    const topic = topics.find((candidate) => candidate === word)
    if (topic !== undefined && from !== sender) tell(topic, text.join(' '))
  }

  async function connect(): Promise<void> {
    try {
      const opened = await openSession(url, {
        name: 'signals',
        onLost: retry,
        onNotify: (_, message) => heard(message),
      })
      session = opened
      if (ended) return await opened.end()
      await opened.sql.unsafe(`LISTEN ${channel}`)
      for (const topic of topics) if (topic !== 'penalties') tell(topic, '')
    } catch {
      retry()
    }
  }

  function retry(): void {
    if (ended || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      connecting = connect()
    }, again)
    timer.unref()
  }

  connecting = connect()
  return {
    send(topic, text) {
      // Whoever misses it misses a hint.
      sql`SELECT pg_notify(${channel}, ${`${topic} ${sender} ${text}`})`.catch(() => undefined)
    },
    on(topic, listener) {
      const of = listeners.get(topic) ?? new Set()
      listeners.set(topic, of.add(listener))
      return () => void of.delete(listener)
    },
    async end() {
      ended = true
      clearTimeout(timer)
      await connecting
      await session?.end()
    },
  }
}
