import { topics } from '../../domain/state.ts'
import type { Signals, Topic } from '../../domain/state.ts'
import { text } from '../row.ts'
import { openSession } from './connect.ts'
import type { Postgres, Session } from './connect.ts'

const channel = 'rosterdrop'
const again = 1_000
const keptTopics: readonly Topic[] = ['penalties']

/**
 * Words between processes by LISTEN and NOTIFY.
 *
 * A text is `topic` from a trigger, or `topic sender text`; the listener comes back by itself after a cut, and then
 * tells of every table, since something may have been missed.
 */
export function createSignals(sql: Postgres, url: string): Signals & { end(): Promise<void> } {
  const sender = crypto.randomUUID()
  // The time of the database, in milliseconds.
  const now = sql`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`
  const listeners = new Map<Topic, Set<(text: string) => void>>()
  let session: Session | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  let connecting: Promise<void> = Promise.resolve()

  function tell(topic: Topic, said: string): void {
    for (const listener of listeners.get(topic) ?? []) listener(said)
  }

  async function keptOf(topic: Topic): Promise<string[]> {
    const rows = await sql`SELECT text FROM kept_words WHERE topic = ${topic} AND until > ${now}`
    return rows.map((row) => text(row, 'text'))
  }

  async function keep(topic: Topic, said: string, key: string, until: number): Promise<void> {
    await sql`WITH past AS (DELETE FROM kept_words WHERE until <= ${now} AND key <> ${key})
      INSERT INTO kept_words VALUES (${topic}, ${key}, ${said}, ${until})
      ON CONFLICT (topic, key) DO UPDATE SET text = excluded.text, until = excluded.until`
  }

  function heard(message: string): void {
    const [name = '', from, ...said] = message.split(' ')
    const topic = topics.find((candidate) => candidate === name)
    if (topic !== undefined && from !== sender) tell(topic, said.join(' '))
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
      for (const topic of keptTopics) for (const said of await keptOf(topic)) tell(topic, said)
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
    send(topic, said, kept) {
      // Whoever misses it misses a hint.
      sql`SELECT pg_notify(${channel}, ${`${topic} ${sender} ${said}`})`.catch(() => undefined)
      if (kept !== undefined) keep(topic, said, kept.key, kept.until).catch(() => undefined)
    },
    on(topic, listener) {
      const of = listeners.get(topic) ?? new Set()
      listeners.set(topic, of.add(listener))
      if (keptTopics.includes(topic)) {
        keptOf(topic)
          .then((kept) => kept.forEach(listener))
          .catch(() => undefined)
      }
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
