import type { OutboxMail } from '../domain/state.ts'
import { deliveries } from './delivery.ts'
import type { SenderOptions } from './delivery.ts'

/** The sender of the mails in the outbox. */
export interface Sender {
  /** Mails may be due: look now. With a tenant: its mails that wait for settings are due now. */
  nudge(tenantId?: string): void
  /** Begins nothing new, lets tries end or cuts them, closes the transport. Idempotent. */
  stop(): Promise<void>
}

// Tenants whose mails are handed over at the same time; a message takes up to 14 MB while it is sent.
const maxTenantsAtOnce = 3
const dueAtOnce = 100
// Another process may add mails unseen; and a pause after the database did not answer.
const lookEveryMs = 30_000

/** Sends the mails of the outbox as they fall due, until stopped. */
export function startSender(options: SenderOptions): Sender {
  const { state, transport, clock, log, stopSeconds = 10 } = options
  const delivery = deliveries({
    ...options,
    stopping: stopped,
  })
  const changed = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let round: Promise<void> | undefined
  let again = false
  let stopping: Promise<void> | undefined

  function stopped(): boolean {
    return stopping !== undefined
  }

  async function sendFor(mails: readonly OutboxMail[]): Promise<void> {
    for (const mail of mails) {
      if (stopped()) return
      await delivery.attempt(mail)
    }
  }

  async function sendDue(): Promise<void> {
    for (const tenantId of changed) {
      changed.delete(tenantId)
      await delivery.bringForward(tenantId)
    }
    while (!stopped()) {
      const due = await state.outbox.due(clock.now(), dueAtOnce)
      if (due.length === 0) return
      // The oldest failure mail of a client is the one that the others join.
      due.sort((a, b) => a.createdAt - b.createdAt)
      const tenants = [...Map.groupBy(due, (mail) => mail.tenantId).values()]
      const lane = async (): Promise<void> => {
        for (let mails = tenants.shift(); mails !== undefined; mails = tenants.shift()) {
          await sendFor(mails)
        }
      }
      await Promise.all(Array.from({ length: maxTenantsAtOnce }, lane))
    }
  }

  async function wait(): Promise<number> {
    const next = await state.outbox.nextDueAt()
    return next === undefined ? lookEveryMs : Math.max(0, next - clock.now())
  }

  async function look(): Promise<void> {
    let pause = lookEveryMs
    try {
      do {
        again = false
        await sendDue()
      } while (again && !stopped())
      pause = await wait()
    } catch (error) {
      if (!stopped()) log.error('Mails cannot be sent', { error })
    }
    round = undefined
    if (stopped()) return
    timer = setTimeout(nudge, again ? 0 : Math.min(pause, lookEveryMs))
  }

  function nudge(tenantId?: string): void {
    if (stopped()) return
    if (tenantId !== undefined) changed.add(tenantId)
    clearTimeout(timer)
    again = true
    round ??= look()
  }

  async function drain(): Promise<void> {
    clearTimeout(timer)
    let deadline: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, stopSeconds * 1000)
    })
    await Promise.race([round ?? Promise.resolve(), late])
    clearTimeout(deadline)
    transport.close()
    await round
  }

  nudge()
  return {
    nudge,
    stop() {
      stopping ??= drain()
      return stopping
    },
  }
}
