import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { MailTransport, OutgoingMail } from '../../src/domain/outgoing.ts'
import { embeddedOutbox } from '../../src/mail/outbox.ts'
import { smtpTransport } from '../../src/mail/smtp.ts'
import { portOf, startReceiver } from '../support/smtp-receiver.ts'
import type { Receiver, ReceiverOptions } from '../support/smtp-receiver.ts'

const mail: OutgoingMail = {
  from: 'admin@maple.example',
  to: ['it@maple.example', 'hr@maple.example'],
  raw: new TextEncoder().encode(
    'From: admin@maple.example\r\nMessage-ID: <1@x>\r\n\r\n.dot\r\nBody é\r\n',
  ),
}

const opened: (Receiver | { stop(): Promise<void> })[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop()
})

async function connect(
  options: ReceiverOptions = {},
): Promise<{ receiver: Receiver; transport: MailTransport }> {
  const receiver = await startReceiver(options)
  const transport = smtpTransport({
    url: receiver.url,
    name: 'rosterdrop.example',
    timeoutMs: 2000,
  })
  opened.push({
    async stop() {
      transport.close()
      await receiver.stop()
    },
  })
  return { receiver, transport }
}

describe('smtpTransport()', () => {
  test('hands over the very bytes to all recipients', async () => {
    const { receiver, transport } = await connect()
    expect((await transport.deliver(mail)).state).toBe('sent')
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]?.from).toBe(mail.from)
    expect(receiver.received[0]?.to).toEqual(mail.to)
    expect(Buffer.from(receiver.received[0]?.raw ?? []).equals(mail.raw)).toBe(true)
  })

  test('calls it sent when one of two recipients is refused, and names the refused one', async () => {
    const { receiver, transport } = await connect({
      refuseRecipient: (address) => (address.startsWith('hr@') ? 550 : undefined),
    })
    const result = await transport.deliver(mail)
    expect(result.state).toBe('sent')
    expect(result.answer).toMatch(/refused for hr@maple\.example: 550 answer 550/)
    expect(receiver.received[0]?.to).toEqual(['it@maple.example'])
  })

  test.each([550, 552, 554])('gives up when all recipients are refused by %i', async (code) => {
    const { receiver, transport } = await connect({ refuseRecipient: () => code })
    const result = await transport.deliver(mail)
    expect(result).toMatchObject({ state: 'refused' })
    expect(result.answer).toContain(`${code} answer`)
    expect(receiver.received).toHaveLength(0)
  })

  test.each([421, 450, 451, 452])('tries again when recipients are answered %i', async (code) => {
    const { transport } = await connect({ refuseRecipient: () => code })
    expect((await transport.deliver(mail)).state).toBe('retry')
  })

  test('tries again when one recipient is refused for good and the other for now', async () => {
    const { transport } = await connect({
      refuseRecipient: (address) => (address.startsWith('hr@') ? 550 : 450),
    })
    expect((await transport.deliver(mail)).state).toBe('retry')
  })

  test.each([
    [552, 'refused'],
    [554, 'refused'],
    [421, 'retry'],
    [451, 'retry'],
    ['cut before answer', 'retry'],
  ] as const)('when the message is answered with %s: %s, once', async (answer, state) => {
    const { receiver, transport } = await connect({ atEnd: () => answer })
    expect((await transport.deliver(mail)).state).toBe(state)
    expect(receiver.received).toHaveLength(1)
  })

  test('tries again when nobody listens, when nobody greets, and when a login is refused', async () => {
    const silentServer = createServer()
    await new Promise<void>((resolve) => silentServer.listen(0, '127.0.0.1', resolve))
    const port = portOf(silentServer)
    const waiting = smtpTransport({ url: `smtp://127.0.0.1:${port}`, name: 'x', timeoutMs: 200 })
    expect((await waiting.deliver(mail)).state).toBe('retry')
    waiting.close()
    await new Promise((resolve) => silentServer.close(resolve))

    const nobody = smtpTransport({ url: `smtp://127.0.0.1:${port}`, name: 'x', timeoutMs: 500 })
    const result = await nobody.deliver(mail)
    expect(result.state).toBe('retry')
    expect(result.answer).toContain('ECONNREFUSED')
    nobody.close()

    const { receiver } = await connect({ refuseLogins: true })
    const url = receiver.url.replace('smtp://', 'smtp://user:p%40ss@')
    const stranger = smtpTransport({ url, name: 'x', timeoutMs: 500 })
    expect((await stranger.deliver(mail)).state).toBe('retry')
    stranger.close()
    expect(receiver.received).toHaveLength(0)
  })

  test('ends a try that is under way when it is closed', async () => {
    const { transport } = await connect({ answerAfterMs: 60_000 })
    const trying = transport.deliver(mail)
    await new Promise((resolve) => setTimeout(resolve, 200))
    transport.close()
    expect((await trying).state).toBe('retry')
  })
})

test('embeddedOutbox() calls every mail sent and says where it is', async () => {
  expect(await embeddedOutbox().deliver(mail)).toEqual({
    state: 'sent',
    answer: 'kept in the embedded outbox',
  })
})
