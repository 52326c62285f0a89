import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DeliveryResult, MailTransport, OutgoingMail } from '../../src/domain/outgoing.ts'
import type { SenderOptions } from '../../src/mail/delivery.ts'
import { embeddedOutbox } from '../../src/mail/outbox.ts'
import { readMail } from '../../src/mail/read.ts'
import { startSender } from '../../src/mail/sender.ts'
import type { Sender } from '../../src/mail/sender.ts'
import { smtpTransport } from '../../src/mail/smtp.ts'
import { startReceiver } from '../support/smtp-receiver.ts'
import type { ReceiverOptions } from '../support/smtp-receiver.ts'
import {
  failures,
  handClock,
  mailOf,
  openOffice,
  runOf,
  silent,
  startOfDay,
  tenantOf,
} from './office.ts'

const minute = 60_000

let office: Awaited<ReturnType<typeof openOffice>>
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

function start(transport: MailTransport, options: Partial<SenderOptions> = {}): Sender {
  const { state, files } = office
  const sender = startSender({ state, files, failures, transport, clock, log: silent, ...options })
  stops.push(() => sender.stop())
  return sender
}

/** A transport that answers as told and keeps what it was handed. */
function answering(...answers: DeliveryResult['state'][]) {
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

async function mailState(id: string): Promise<string | undefined> {
  return (await office.state.outbox.get(id))?.state
}

async function runMail(name: string): Promise<string | undefined> {
  return (await office.state.runs.get(`run_${name}`))?.mail
}

async function until(mails: string[], state: string): Promise<void> {
  await vi.waitFor(async () => {
    for (const id of mails) expect(await mailState(id)).toBe(state)
  })
}

/** Moves the clock, and waits until mail `id` has been tried so often. */
async function passUntilTried(sender: Sender, id: string, attempts: number): Promise<void> {
  sender.nudge()
  await vi.waitFor(async () => {
    expect((await office.state.outbox.get(id))?.attempts).toBe(attempts)
  })
}

describe('startSender()', () => {
  test('sends a queued mail over SMTP, once, and tells the run', async () => {
    const receiver = await startReceiver()
    stops.push(() => receiver.stop())
    await office.failedRun('users', clock.now())
    start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }))
    await until(['mai_users'], 'sent')
    expect(receiver.received).toHaveLength(1)
    const mail = await readMail(receiver.received[0]?.raw ?? new Uint8Array())
    expect(mail.subject).toBe('users.csv: 12 of 4,310 rows failed')
    expect(mail.attachments).toHaveLength(1)
    const stored = await office.state.outbox.get('mai_users')
    expect(stored).toMatchObject({
      attempts: 1,
      sentAt: startOfDay,
      path: 'mail/ten_maple/mai_users.eml',
      subject: 'users.csv: 12 of 4,310 rows failed',
    })
    await vi.waitFor(async () => expect(await runMail('users')).toBe('sent'))
  })

  test('keeps the message in the file store when there is no mail server', async () => {
    await office.failedRun('users', clock.now())
    start(embeddedOutbox())
    await until(['mai_users'], 'sent')
    const reader = await office.files.openRead('mail/ten_maple/mai_users.eml')
    const mail = await readMail(await reader.read(0, reader.size))
    await reader.close()
    expect(mail.to).toEqual(['it@maple.example', 'hr@maple.example'])
    const stored = await office.state.outbox.get('mai_users')
    expect(stored?.lastAnswer).toBe('kept in the embedded outbox')
  })

  test('sends the same bytes at each try, with longer pauses', async () => {
    const { handed, transport } = answering('retry', 'retry', 'sent')
    await office.failedRun('users', clock.now())
    const sender = start(transport)
    await passUntilTried(sender, 'mai_users', 1)
    expect((await office.state.outbox.get('mai_users'))?.nextAttemptAt).toBe(startOfDay + minute)
    expect(await runMail('users')).toBe('queued')
    clock.pass(minute)
    await passUntilTried(sender, 'mai_users', 2)
    clock.pass(5 * minute - 1)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(2)
    clock.pass(1)
    await passUntilTried(sender, 'mai_users', 3)
    expect(await mailState('mai_users')).toBe('sent')
    expect(handed).toHaveLength(3)
    for (const { raw } of handed) expect(Buffer.from(raw).equals(handed[0]?.raw ?? raw)).toBe(true)
  })

  test('calls a refused mail undelivered, with the answer, and tries no more', async () => {
    const { handed, transport } = answering('refused')
    await office.failedRun('users', clock.now())
    const sender = start(transport)
    await until(['mai_users'], 'undelivered')
    clock.pass(24 * 60 * minute)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    expect((await office.state.outbox.get('mai_users'))?.lastAnswer).toBe('answer 1')
    expect(await runMail('users')).toBe('undelivered')
  })

  test('gives up after 48 hours', async () => {
    const { handed, transport } = answering(...Array.from({ length: 99 }, () => 'retry' as const))
    await office.failedRun('users', clock.now())
    const sender = start(transport)
    for (let tries = 1; (await mailState('mai_users')) === 'queued'; tries += 1) {
      await passUntilTried(sender, 'mai_users', tries)
      clock.pass(4 * 60 * minute)
    }
    expect(await mailState('mai_users')).toBe('undelivered')
    expect(handed.length).toBeGreaterThan(12)
    expect(handed.length).toBeLessThan(20)
  })

  test('lets a mail wait for missing settings, and sends it once they are there', async () => {
    await office.close()
    office = await openOffice({ failedImportEmail: [] })
    const { handed, transport } = answering()
    await office.failedRun('users', clock.now())
    const sender = start(transport)
    await vi.waitFor(async () => expect(await runMail('users')).toBe('unconfigured'))
    clock.pass(30 * 24 * 60 * minute)
    sender.nudge()
    await vi.waitFor(async () => {
      const due = (await office.state.outbox.get('mai_users'))?.nextAttemptAt
      expect(due).toBeGreaterThan(clock.now())
    })
    expect(handed).toHaveLength(0)
    expect((await office.state.outbox.get('mai_users'))?.lastAnswer).toBe(
      'waits for the setting Failed Import Email',
    )
    await office.state.tenants.update(tenantOf())
    sender.nudge('ten_maple')
    await until(['mai_users'], 'sent')
    await vi.waitFor(async () => expect(await runMail('users')).toBe('sent'))
    expect(handed).toHaveLength(1)
  })

  test('treats a setting that is no mail address like a missing one', async () => {
    await office.close()
    office = await openOffice({ replyTo: 'nobody\r\nBcc: stranger@example.com' })
    const { handed, transport } = answering()
    await office.failedRun('users', clock.now())
    start(transport)
    await vi.waitFor(async () => expect(await runMail('users')).toBe('unconfigured'))
    expect(handed).toHaveLength(0)
    expect((await office.state.outbox.get('mai_users'))?.lastAnswer).toMatch(/^Cannot use "nobody/)
  })

  test('sends one digest of what completed, when the day is over', async () => {
    const { handed, transport } = answering()
    const midnight = startOfDay + 60 * minute
    for (const [index, name] of ['one', 'two'].entries()) {
      const at = clock.now() + index
      await office.state.runs.create(
        runOf(`run_${name}`, {
          filename: `${name}.csv`,
          state: 'completed',
          reasons: [],
          reportPath: null,
        }),
      )
      const mail = mailOf(`mai_${name}`, 'completed', `run_${name}`, at)
      await office.state.outbox.add({ ...mail, nextAttemptAt: midnight })
    }
    const sender = start(transport)
    // A change of settings sends what waits for one, and no digest.
    sender.nudge('ten_maple')
    clock.pass(59 * minute)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(0)
    clock.pass(minute)
    sender.nudge()
    await until(['mai_one', 'mai_two'], 'sent')
    expect(handed).toHaveLength(1)
    const { text } = await readMail(handed[0]?.raw ?? new Uint8Array())
    expect(text).toContain('one.csv')
    expect(text).toContain('two.csv')
  })

  test('sends one failure mail in 5 minutes, and the next one tells all that came meanwhile', async () => {
    const { handed, transport } = answering()
    await office.failedRun('one', clock.now())
    const sender = start(transport)
    await until(['mai_one'], 'sent')
    clock.pass(minute)
    await office.failedRun('two', clock.now())
    sender.nudge()
    await vi.waitFor(async () => {
      const due = (await office.state.outbox.get('mai_two'))?.nextAttemptAt
      expect(due).toBe(startOfDay + 5 * minute)
    })
    clock.pass(3 * minute)
    await office.failedRun('three', clock.now())
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    clock.pass(minute)
    sender.nudge()
    await until(['mai_two', 'mai_three'], 'sent')
    expect(handed).toHaveLength(2)
    const mail = await readMail(handed[1]?.raw ?? new Uint8Array())
    expect(mail.subject).toBe('2 files: 24 of 8,620 rows failed')
    expect(mail.attachments.map(({ filename }) => filename.split('.')[0])).toEqual(['two', 'three'])
    expect(mail.messageId).toBe('<mai_two@rosterdrop.example>')
    await vi.waitFor(async () => {
      expect([await runMail('two'), await runMail('three')]).toEqual(['sent', 'sent'])
    })
    const joined = await office.state.outbox.get('mai_three')
    expect(joined?.path).toBe('mail/ten_maple/mai_two.eml')
  })

  test('holds later failure mails back while an earlier one cannot be delivered yet', async () => {
    const { handed, transport } = answering('retry')
    await office.failedRun('one', clock.now())
    const sender = start(transport)
    await passUntilTried(sender, 'mai_one', 1)
    await office.failedRun('two', clock.now())
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    clock.pass(minute)
    await passUntilTried(sender, 'mai_one', 2)
    clock.pass(5 * minute)
    await passUntilTried(sender, 'mai_two', 1)
    expect(handed).toHaveLength(3)
  })

  test('a mail that is not about failures does not wait for those that are', async () => {
    const { handed, transport } = answering()
    await office.failedRun('one', clock.now())
    const sender = start(transport)
    await until(['mai_one'], 'sent')
    await office.state.runs.create(runOf('run_bad'))
    await office.state.outbox.add(mailOf('mai_bad', 'rejected', 'run_bad', clock.now()))
    await office.state.outbox.add(mailOf('mai_test', 'test', null, clock.now()))
    sender.nudge()
    await until(['mai_bad', 'mai_test'], 'sent')
    expect(handed).toHaveLength(3)
  })

  test('takes joined mails along when it was killed between composing and sending', async () => {
    await office.failedRun('one', clock.now())
    const second = await office.failedRun('two', clock.now() + 1)
    // What a kill leaves after the member was marked and before its leader was.
    await office.state.outbox.update({ ...second, path: 'mail/ten_maple/mai_one.eml' })
    clock.pass(1)
    const { handed, transport } = answering()
    start(transport)
    await until(['mai_one', 'mai_two'], 'sent')
    expect(handed).toHaveLength(1)
    const mail = await readMail(handed[0]?.raw ?? new Uint8Array())
    expect(mail.attachments).toHaveLength(2)
  })

  test('settles a joined mail whose leader was sent just before a kill', async () => {
    const first = await office.failedRun('one', clock.now())
    const second = await office.failedRun('two', clock.now())
    const path = 'mail/ten_maple/mai_one.eml'
    await office.state.outbox.update({ ...first, path, state: 'sent', sentAt: clock.now() })
    await office.state.outbox.update({ ...second, path })
    const { handed, transport } = answering()
    start(transport)
    await until(['mai_two'], 'sent')
    expect(handed).toHaveLength(0)
    await vi.waitFor(async () => expect(await runMail('two')).toBe('sent'))
  })

  test('sends the kept message again after a restart, with the same bytes', async () => {
    const { handed, transport } = answering('retry')
    await office.failedRun('users', clock.now())
    const first = start(transport)
    await passUntilTried(first, 'mai_users', 1)
    await first.stop()
    clock.pass(minute)
    start(transport)
    await until(['mai_users'], 'sent')
    expect(handed).toHaveLength(2)
    expect(Buffer.from(handed[0]?.raw ?? []).equals(handed[1]?.raw ?? new Uint8Array())).toBe(true)
  })

  test('composes again when the kept message is gone', async () => {
    const { handed, transport } = answering('retry')
    await office.failedRun('users', clock.now())
    const sender = start(transport)
    await passUntilTried(sender, 'mai_users', 1)
    await office.files.remove('mail/ten_maple/mai_users.eml')
    clock.pass(minute)
    sender.nudge()
    await vi.waitFor(async () => {
      expect((await office.state.outbox.get('mai_users'))?.path).toBeNull()
    })
    clock.pass(minute)
    sender.nudge()
    await until(['mai_users'], 'sent')
    expect(handed).toHaveLength(2)
  })

  test('hears a nudge that comes while it settles how long to wait', async () => {
    const { transport } = answering()
    const { state } = office
    let sender: Sender | undefined
    const outbox = {
      ...state.outbox,
      async nextDueAt() {
        const next = await state.outbox.nextDueAt()
        if ((await state.outbox.get('mai_late')) === undefined) {
          await office.failedRun('late', clock.now())
          sender?.nudge()
        }
        return next
      },
    }
    sender = start(transport, { state: { ...state, outbox } })
    await until(['mai_late'], 'sent')
  })

  test('goes on with the others when one mail cannot be prepared', async () => {
    const { handed, transport } = answering()
    await office.state.runs.create(runOf('run_bad', { reasons: [{ code: 9999, count: 1 }] }))
    await office.state.outbox.add(mailOf('mai_bad', 'rejected', 'run_bad', clock.now()))
    await office.failedRun('good', clock.now() + 1)
    clock.pass(1)
    start(transport, {
      async failures(run, options) {
        if (run.id === 'run_bad') throw new Error('the disk is broken')
        return failures(run, options)
      },
    })
    await until(['mai_good'], 'sent')
    expect(handed).toHaveLength(1)
    const bad = await office.state.outbox.get('mai_bad')
    expect(bad).toMatchObject({ state: 'queued', attempts: 0 })
    expect(bad?.nextAttemptAt).toBeGreaterThan(clock.now())
  })

  test('two senders on one database send each mail once', async () => {
    const { handed, transport } = answering()
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
    for (const name of names) {
      await office.state.runs.create(runOf(`run_${name}`))
      await office.state.outbox.add(mailOf(`mai_${name}`, 'rejected', `run_${name}`, clock.now()))
    }
    start(transport)
    start(transport)
    await until(
      names.map((name) => `mai_${name}`),
      'sent',
    )
    expect(handed).toHaveLength(20)
  })

  test.each([
    [{ atEnd: (count) => (count === 1 ? 'cut before answer' : undefined) }, 2],
    [{ atEnd: (count) => (count === 1 ? 451 : undefined) }, 2],
    [{ answerAfterMs: 300 }, 1],
    [{}, 1],
  ] as [ReceiverOptions, number][])(
    'at a receiver with %j the mail comes with one Message-ID',
    async (options, times) => {
      const receiver = await startReceiver(options)
      stops.push(() => receiver.stop())
      await office.failedRun('users', clock.now())
      const sender = start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }))
      await passUntilTried(sender, 'mai_users', 1)
      clock.pass(minute)
      await passUntilTried(sender, 'mai_users', times)
      expect(await mailState('mai_users')).toBe('sent')
      const ids = await Promise.all(
        receiver.received.map(async ({ raw }) => (await readMail(raw)).messageId),
      )
      expect(ids).toEqual(Array.from({ length: times }, () => '<mai_users@rosterdrop.example>'))
    },
  )

  test('stop() cuts a try that takes too long, and the mail is sent after the next start', async () => {
    const receiver = await startReceiver({ answerAfterMs: 30_000 })
    stops.push(() => receiver.stop())
    await office.failedRun('users', clock.now())
    const sender = start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }), {
      stopSeconds: 0.1,
    })
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await sender.stop()
    await sender.stop()
    expect(await office.state.outbox.get('mai_users')).toMatchObject({
      state: 'queued',
      attempts: 0,
    })
    start(embeddedOutbox())
    await until(['mai_users'], 'sent')
  })
})
