import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { DeliveryResult, MailTransport, OutgoingMail } from '../../src/domain/outgoing.ts'
import type { SenderOptions } from '../../src/mail/delivery.ts'
import { startSender } from '../../src/mail/sender.ts'
import type { Sender } from '../../src/mail/sender.ts'
import { failures, handClock, openOffice, silent } from './office.ts'

type Office = Awaited<ReturnType<typeof openOffice>>

/** A transport that answers as told and keeps what it was handed. */
export function answering(...answers: DeliveryResult['state'][]) {
  const handed: OutgoingMail[] = []
  const transport: MailTransport = {
    async deliver(mail) {
      handed.push(mail)
      return { state: answers.shift() ?? 'sent', answer: `answer ${handed.length}` }
    },
    close() {},
  }
  return { handed, transport }
}

/** For each test of a file an office and a clock of its own; whatever was started is stopped after it. */
export function sending() {
  let office: Office
  let clock: ReturnType<typeof handClock>
  const stops: (() => Promise<void>)[] = []

  beforeEach(async () => {
    office = await openOffice()
    clock = handClock()
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop()
    await office.close()
  })

  async function mailState(id: string): Promise<string | undefined> {
    return (await office.state.outbox.get(id))?.state
  }

  return {
    stops,
    get office(): Office {
      return office
    },
    get clock(): ReturnType<typeof handClock> {
      return clock
    },
    mailState,
    /** Another office from here on. */
    async move(...options: Parameters<typeof openOffice>): Promise<void> {
      await office.close()
      office = await openOffice(...options)
    },
    start(transport: MailTransport, options: Partial<SenderOptions> = {}): Sender {
      const { state, files } = office
      const sender = startSender({
        state,
        files,
        failures,
        transport,
        clock,
        log: silent,
        ...options,
      })
      stops.push(() => sender.stop())
      return sender
    },
    async runMail(name: string): Promise<string | undefined> {
      return (await office.state.runs.get(`run_${name}`))?.mail
    },
    async until(mails: string[], state: string): Promise<void> {
      await vi.waitFor(async () => {
        for (const id of mails) expect(await mailState(id)).toBe(state)
      })
    },
    /** Wakes the sender, and waits until mail `id` has been tried so often. */
    async passUntilTried(sender: Sender, id: string, attempts: number): Promise<void> {
      sender.nudge()
      await vi.waitFor(async () => {
        expect((await office.state.outbox.get(id))?.attempts).toBe(attempts)
      })
    },
  }
}
