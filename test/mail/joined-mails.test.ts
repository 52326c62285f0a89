import { describe, expect, test, vi } from 'vitest'
import { readMail } from '../../src/mail/read.ts'
import { mailOf, runOf, startOfDay } from './office.ts'
import { answering, sending } from './sending.ts'

const minute = 60_000
const desk = sending()

describe('failure mails that come close together', () => {
  test('sends one failure mail in 5 minutes, and the next one tells all that came meanwhile', async () => {
    const { handed, transport } = answering()
    await desk.office.failedRun('one', desk.clock.now())
    const sender = desk.start(transport)
    await desk.until(['mai_one'], 'sent')
    desk.clock.pass(minute)
    await desk.office.failedRun('two', desk.clock.now())
    sender.nudge()
    await vi.waitFor(async () => {
      const due = (await desk.office.state.outbox.get('mai_two'))?.nextAttemptAt
      expect(due).toBe(startOfDay + 5 * minute)
    })
    desk.clock.pass(3 * minute)
    await desk.office.failedRun('three', desk.clock.now())
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    desk.clock.pass(minute)
    sender.nudge()
    await desk.until(['mai_two', 'mai_three'], 'sent')
    expect(handed).toHaveLength(2)
    const mail = await readMail(handed[1]?.raw ?? new Uint8Array())
    expect(mail.subject).toBe('2 files: 24 of 8,620 rows failed')
    expect(mail.attachments.map(({ filename }) => filename.split('.')[0])).toEqual(['two', 'three'])
    expect(mail.messageId).toBe('<mai_two@rosterdrop.example>')
    await vi.waitFor(async () => {
      expect([await desk.runMail('two'), await desk.runMail('three')]).toEqual(['sent', 'sent'])
    })
    const joined = await desk.office.state.outbox.get('mai_three')
    expect(joined?.path).toBe('mail/ten_maple/mai_two.eml')
  })

  test('holds later failure mails back while an earlier one cannot be delivered yet', async () => {
    const { handed, transport } = answering('retry')
    await desk.office.failedRun('one', desk.clock.now())
    const sender = desk.start(transport)
    await desk.passUntilTried(sender, 'mai_one', 1)
    await desk.office.failedRun('two', desk.clock.now())
    sender.nudge()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(handed).toHaveLength(1)
    desk.clock.pass(minute)
    await desk.passUntilTried(sender, 'mai_one', 2)
    desk.clock.pass(5 * minute)
    await desk.passUntilTried(sender, 'mai_two', 1)
    expect(handed).toHaveLength(3)
  })

  test('a mail that is not about failures does not wait for those that are', async () => {
    const { handed, transport } = answering()
    await desk.office.failedRun('one', desk.clock.now())
    const sender = desk.start(transport)
    await desk.until(['mai_one'], 'sent')
    await desk.office.state.runs.create(runOf('run_bad'))
    await desk.office.state.outbox.add(mailOf('mai_bad', 'rejected', 'run_bad', desk.clock.now()))
    await desk.office.state.outbox.add(mailOf('mai_test', 'test', null, desk.clock.now()))
    sender.nudge()
    await desk.until(['mai_bad', 'mai_test'], 'sent')
    expect(handed).toHaveLength(3)
  })

  test('takes joined mails along when it was killed between composing and sending', async () => {
    await desk.office.failedRun('one', desk.clock.now())
    const second = await desk.office.failedRun('two', desk.clock.now() + 1)
    // What a kill leaves after the member was marked and before its leader was.
    await desk.office.state.outbox.update({ ...second, path: 'mail/ten_maple/mai_one.eml' })
    desk.clock.pass(1)
    const { handed, transport } = answering()
    desk.start(transport)
    await desk.until(['mai_one', 'mai_two'], 'sent')
    expect(handed).toHaveLength(1)
    const mail = await readMail(handed[0]?.raw ?? new Uint8Array())
    expect(mail.attachments).toHaveLength(2)
  })

  test('settles a joined mail whose leader was sent just before a kill', async () => {
    const first = await desk.office.failedRun('one', desk.clock.now())
    const second = await desk.office.failedRun('two', desk.clock.now())
    const path = 'mail/ten_maple/mai_one.eml'
    await desk.office.state.outbox.update({
      ...first,
      path,
      state: 'sent',
      sentAt: desk.clock.now(),
    })
    await desk.office.state.outbox.update({ ...second, path })
    const { handed, transport } = answering()
    desk.start(transport)
    await desk.until(['mai_two'], 'sent')
    expect(handed).toHaveLength(0)
    await vi.waitFor(async () => expect(await desk.runMail('two')).toBe('sent'))
  })
})
