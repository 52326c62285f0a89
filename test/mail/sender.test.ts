import { describe, expect, test, vi } from 'vitest'
import { embeddedOutbox } from '../../src/mail/outbox.ts'
import { readMail } from '../../src/mail/read.ts'
import type { Sender } from '../../src/mail/sender.ts'
import { smtpTransport } from '../../src/mail/smtp.ts'
import { startReceiver } from '../support/smtp-receiver.ts'
import type { ReceiverOptions } from '../support/smtp-receiver.ts'
import { failures, mailOf, runOf, startOfDay, tenantOf } from './office.ts'
import { answering, sending } from './sending.ts'

const minute = 60_000
const desk = sending()

describe('startSender()', () => {
  test('sends a queued mail over SMTP, once, and tells the run', async () => {
    const receiver = await startReceiver()
    desk.stops.push(() => receiver.stop())
    await desk.office.failedRun('users', desk.clock.now())
    desk.start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }))
    await desk.until(['mai_users'], 'sent')
    expect(receiver.received).toHaveLength(1)
    const mail = await readMail(receiver.received[0]?.raw ?? new Uint8Array())
    expect(mail.subject).toBe('users.csv: 12 of 4,310 rows failed')
    expect(mail.attachments).toHaveLength(1)
    const stored = await desk.office.state.outbox.get('mai_users')
    expect(stored).toMatchObject({
      attempts: 1,
      sentAt: startOfDay,
      path: 'mail/ten_maple/mai_users.eml',
      subject: 'users.csv: 12 of 4,310 rows failed',
    })
    await vi.waitFor(async () => expect(await desk.runMail('users')).toBe('sent'))
  })

  test('keeps the message in the file store when there is no mail server', async () => {
    await desk.office.failedRun('users', desk.clock.now())
    desk.start(embeddedOutbox())
    await desk.until(['mai_users'], 'sent')
    const reader = await desk.office.files.openRead('mail/ten_maple/mai_users.eml')
    const mail = await readMail(await reader.read(0, reader.size))
    await reader.close()
    expect(mail.to).toEqual(['it@maple.example', 'hr@maple.example'])
    const stored = await desk.office.state.outbox.get('mai_users')
    expect(stored?.lastAnswer).toBe('kept in the embedded outbox')
  })

  test('sends the same bytes at each try, with longer pauses', async () => {
    const { handed, transport } = answering('retry', 'retry', 'sent')
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(transport)
    await desk.passUntilTried(sender, 'mai_users', 1)
    expect((await desk.office.state.outbox.get('mai_users'))?.nextAttemptAt).toBe(
      startOfDay + minute,
    )
    expect(await desk.runMail('users')).toBe('queued')
    desk.clock.pass(minute)
    await desk.passUntilTried(sender, 'mai_users', 2)
    desk.clock.pass(5 * minute - 1)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(2)
    desk.clock.pass(1)
    await desk.passUntilTried(sender, 'mai_users', 3)
    expect(await desk.mailState('mai_users')).toBe('sent')
    expect(handed).toHaveLength(3)
    for (const { raw } of handed) expect(Buffer.from(raw).equals(handed[0]?.raw ?? raw)).toBe(true)
  })

  test('calls a refused mail undelivered, with the answer, and tries no more', async () => {
    const { handed, transport } = answering('refused')
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(transport)
    await desk.until(['mai_users'], 'undelivered')
    desk.clock.pass(24 * 60 * minute)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    expect((await desk.office.state.outbox.get('mai_users'))?.lastAnswer).toBe('answer 1')
    expect(await desk.runMail('users')).toBe('undelivered')
  })

  test('gives up after 48 hours', async () => {
    const { handed, transport } = answering(...Array.from({ length: 99 }, () => 'retry' as const))
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(transport)
    for (let tries = 1; (await desk.mailState('mai_users')) === 'queued'; tries += 1) {
      await desk.passUntilTried(sender, 'mai_users', tries)
      desk.clock.pass(4 * 60 * minute)
    }
    expect(await desk.mailState('mai_users')).toBe('undelivered')
    expect(handed.length).toBeGreaterThan(12)
    expect(handed.length).toBeLessThan(20)
  })

  test('lets a mail wait for missing settings, and sends it once they are there', async () => {
    await desk.move({ failedImportEmail: [] })
    const { handed, transport } = answering()
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(transport)
    await vi.waitFor(async () => expect(await desk.runMail('users')).toBe('unconfigured'))
    desk.clock.pass(30 * 24 * 60 * minute)
    sender.nudge()
    await vi.waitFor(async () => {
      const due = (await desk.office.state.outbox.get('mai_users'))?.nextAttemptAt
      expect(due).toBeGreaterThan(desk.clock.now())
    })
    expect(handed).toHaveLength(0)
    expect((await desk.office.state.outbox.get('mai_users'))?.lastAnswer).toBe(
      'waits for the setting Failed Import Email',
    )
    await desk.office.state.tenants.update(tenantOf())
    sender.nudge('ten_maple')
    await desk.until(['mai_users'], 'sent')
    await vi.waitFor(async () => expect(await desk.runMail('users')).toBe('sent'))
    expect(handed).toHaveLength(1)
  })

  test('treats a setting that is no mail address like a missing one', async () => {
    await desk.move({ replyTo: 'nobody\r\nBcc: stranger@example.com' })
    const { handed, transport } = answering()
    await desk.office.failedRun('users', desk.clock.now())
    desk.start(transport)
    await vi.waitFor(async () => expect(await desk.runMail('users')).toBe('unconfigured'))
    expect(handed).toHaveLength(0)
    expect((await desk.office.state.outbox.get('mai_users'))?.lastAnswer).toMatch(
      /^Cannot use "nobody/,
    )
  })

  test('sends one digest of what completed, when the day is over', async () => {
    const { handed, transport } = answering()
    const midnight = startOfDay + 60 * minute
    for (const [index, name] of ['one', 'two'].entries()) {
      const at = desk.clock.now() + index
      await desk.office.state.runs.create(
        runOf(`run_${name}`, {
          filename: `${name}.csv`,
          state: 'completed',
          reasons: [],
          reportPath: null,
        }),
      )
      const mail = mailOf(`mai_${name}`, 'completed', `run_${name}`, at)
      await desk.office.state.outbox.add({ ...mail, nextAttemptAt: midnight })
    }
    const sender = desk.start(transport)
    // A change of settings sends what waits for one, and no digest.
    sender.nudge('ten_maple')
    desk.clock.pass(59 * minute)
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(0)
    desk.clock.pass(minute)
    sender.nudge()
    await desk.until(['mai_one', 'mai_two'], 'sent')
    expect(handed).toHaveLength(1)
    const { text } = await readMail(handed[0]?.raw ?? new Uint8Array())
    expect(text).toContain('one.csv')
    expect(text).toContain('two.csv')
  })

  test('sends the kept message again after a restart, with the same bytes', async () => {
    const { handed, transport } = answering('retry')
    await desk.office.failedRun('users', desk.clock.now())
    const first = desk.start(transport)
    await desk.passUntilTried(first, 'mai_users', 1)
    await first.stop()
    desk.clock.pass(minute)
    desk.start(transport)
    await desk.until(['mai_users'], 'sent')
    expect(handed).toHaveLength(2)
    expect(Buffer.from(handed[0]?.raw ?? []).equals(handed[1]?.raw ?? new Uint8Array())).toBe(true)
  })

  test('composes again when the kept message is gone', async () => {
    const { handed, transport } = answering('retry')
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(transport)
    await desk.passUntilTried(sender, 'mai_users', 1)
    await desk.office.files.remove('mail/ten_maple/mai_users.eml')
    desk.clock.pass(minute)
    sender.nudge()
    await vi.waitFor(async () => {
      expect((await desk.office.state.outbox.get('mai_users'))?.path).toBeNull()
    })
    desk.clock.pass(minute)
    sender.nudge()
    await desk.until(['mai_users'], 'sent')
    expect(handed).toHaveLength(2)
  })

  test('hears a nudge that comes while it settles how long to wait', async () => {
    const { transport } = answering()
    const { state } = desk.office
    let sender: Sender | undefined
    const outbox = {
      ...state.outbox,
      async nextDueAt() {
        const next = await state.outbox.nextDueAt()
        if ((await state.outbox.get('mai_late')) === undefined) {
          await desk.office.failedRun('late', desk.clock.now())
          sender?.nudge()
        }
        return next
      },
    }
    sender = desk.start(transport, { state: { ...state, outbox } })
    await desk.until(['mai_late'], 'sent')
  })

  test('goes on with the others when one mail cannot be prepared', async () => {
    const { handed, transport } = answering()
    await desk.office.state.runs.create(runOf('run_bad', { reasons: [{ code: 9999, count: 1 }] }))
    await desk.office.state.outbox.add(mailOf('mai_bad', 'rejected', 'run_bad', desk.clock.now()))
    await desk.office.failedRun('good', desk.clock.now() + 1)
    desk.clock.pass(1)
    desk.start(transport, {
      async failures(run, options) {
        if (run.id === 'run_bad') throw new Error('the disk is broken')
        return failures(run, options)
      },
    })
    await desk.until(['mai_good'], 'sent')
    expect(handed).toHaveLength(1)
    const bad = await desk.office.state.outbox.get('mai_bad')
    expect(bad).toMatchObject({ state: 'queued', attempts: 0 })
    expect(bad?.nextAttemptAt).toBeGreaterThan(desk.clock.now())
  })

  test('two senders on one database send each mail once', async () => {
    const { handed, transport } = answering()
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
    for (const name of names) {
      await desk.office.state.runs.create(runOf(`run_${name}`))
      await desk.office.state.outbox.add(
        mailOf(`mai_${name}`, 'rejected', `run_${name}`, desk.clock.now()),
      )
    }
    desk.start(transport)
    desk.start(transport)
    await desk.until(
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
      desk.stops.push(() => receiver.stop())
      await desk.office.failedRun('users', desk.clock.now())
      const sender = desk.start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }))
      await desk.passUntilTried(sender, 'mai_users', 1)
      desk.clock.pass(minute)
      await desk.passUntilTried(sender, 'mai_users', times)
      expect(await desk.mailState('mai_users')).toBe('sent')
      const ids = await Promise.all(
        receiver.received.map(async ({ raw }) => (await readMail(raw)).messageId),
      )
      expect(ids).toEqual(Array.from({ length: times }, () => '<mai_users@rosterdrop.example>'))
    },
  )

  test('stop() cuts a try that takes too long, and the mail is sent after the next start', async () => {
    const receiver = await startReceiver({ answerAfterMs: 30_000 })
    desk.stops.push(() => receiver.stop())
    await desk.office.failedRun('users', desk.clock.now())
    const sender = desk.start(smtpTransport({ url: receiver.url, name: 'rosterdrop.example' }), {
      stopSeconds: 0.1,
    })
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
    await sender.stop()
    await sender.stop()
    expect(await desk.office.state.outbox.get('mai_users')).toMatchObject({
      state: 'queued',
      attempts: 0,
    })
    desk.start(embeddedOutbox())
    await desk.until(['mai_users'], 'sent')
  })
})
