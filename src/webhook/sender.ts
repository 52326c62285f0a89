import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { StateStore } from '../domain/state.ts'
import type { WebhookDelivery } from '../domain/webhook.ts'
import { post } from './post.ts'
import type { PostOptions } from './post.ts'
import { signedHeaders } from './sign.ts'

/** Pauses between tries, in seconds (standardwebhooks.com recommends the like): three days in all. */
const pausesSeconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
const timeoutMs = 15_000
const atOnce = 8
// Another process may queue deliveries unseen.
const lookEveryMs = 30_000
const keptMs = 30 * 24 * 60 * 60_000
const gone = 410

export interface WebhookSender {
  /** Deliveries may be due: look now. */
  nudge(): void
  /** Begins nothing new and waits for tries under way. Idempotent. */
  stop(): Promise<void>
}

export interface WebhookSenderOptions {
  state: Pick<StateStore, 'webhooks' | 'own'>
  clock: Clock
  log: Log
  networks: readonly string[]
  resolve?: PostOptions['resolve']
}

/** When the next try is due after so many; undefined: it is given up. */
function nextAttemptAt(attempts: number, now: number, random: number): number | undefined {
  const seconds = pausesSeconds[attempts - 1]
  // Up to a tenth more, so that what failed together does not come again together.
  return seconds === undefined ? undefined : now + seconds * 1000 * (1 + random / 2560)
}

/** Delivers what is queued as it falls due, until stopped; one process of many does so at a time. */
export function startWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { state, clock, log, networks, resolve } = options
  const { webhooks } = state
  let timer: ReturnType<typeof setTimeout> | undefined
  let round: Promise<void> | undefined
  let again = false
  let stopped = false
  let sweptAt = 0

  const isStopped = () => stopped

  async function attempt(delivery: WebhookDelivery): Promise<void> {
    const webhook = await webhooks.get(delivery.tenantId, delivery.webhookId)
    if (webhook === undefined) return
    if (webhook.disabled) {
      const answer = 'the webhook is disabled'
      return webhooks.keep({ ...delivery, state: 'failed', status: null, answer })
    }
    const { id, body } = delivery
    const seconds = Math.floor(clock.now() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'rosterdrop',
      ...signedHeaders(webhook.secret, { id, seconds, body }),
    }
    const result = await post(
      new URL(webhook.url),
      { body, headers },
      {
        networks,
        timeoutMs,
        ...(resolve === undefined ? {} : { resolve }),
      },
    )
    const { status } = result
    const attempts = delivery.attempts + 1
    const tried = { ...delivery, ...result, attempts }
    const now = clock.now()
    if (status !== null && status >= 200 && status < 300) {
      return webhooks.keep({ ...tried, state: 'delivered', deliveredAt: now })
    }
    const next = status === gone ? undefined : nextAttemptAt(attempts, now, clock.random(1)[0] ?? 0)
    await webhooks.keep(
      next === undefined
        ? { ...tried, state: 'failed' }
        : { ...tried, nextAttemptAt: Math.ceil(next) },
    )
    if (status === gone) await webhooks.update({ ...webhook, disabled: true })
    const fields = { tenant: webhook.tenantId, webhook: webhook.id, status, attempts }
    log.warn(next === undefined ? 'webhook given up' : 'webhook put off', fields)
  }

  async function deliverDue(): Promise<void> {
    const release = await state.own('webhooks')
    if (release === undefined) return
    try {
      if (clock.now() - sweptAt > lookEveryMs * 120) {
        sweptAt = clock.now()
        await webhooks.sweep(clock.now() - keptMs)
      }
      while (!isStopped()) {
        const due = await webhooks.due(clock.now(), atOnce)
        if (due.length === 0) return
        await Promise.all(due.map(attempt))
      }
    } finally {
      await release()
    }
  }

  async function run(): Promise<void> {
    clearTimeout(timer)
    try {
      do {
        again = false
        await deliverDue()
      } while (again && !isStopped())
    } catch (error) {
      log.error('webhooks cannot be sent', { error })
    }
    if (stopped) return
    const next = await webhooks.nextDueAt().catch(() => undefined)
    const wait = next === undefined ? lookEveryMs : next - clock.now()
    timer = setTimeout(start, Math.min(lookEveryMs, Math.max(50, wait)))
    timer.unref()
  }

  function start(): void {
    if (stopped) return
    if (round === undefined) round = run().finally(() => (round = undefined))
    else again = true
  }

  start()
  return {
    nudge: start,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await round
    },
  }
}
