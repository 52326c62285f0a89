import { Webhook as Verifier } from 'standardwebhooks'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import { newId } from '../../src/domain/id.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { Webhook } from '../../src/domain/webhook.ts'
import { createAnnouncer } from '../../src/webhook/announce.ts'
import { startWebhookSender } from '../../src/webhook/sender.ts'
import type { WebhookSender } from '../../src/webhook/sender.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { addClient, door, loggedIn, silent } from '../drop/door.ts'
import { runOf, steadyClock } from '../routes/client.ts'
import { startReceiver } from './receiver.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const secret = `whsec_${Buffer.from('a secret of some twenty bytes').toString('base64')}`

async function open(answers: Parameters<typeof startReceiver>[0] = []) {
  let ahead = 0
  const steady = steadyClock(Date.now())
  const clock = { ...steady, now: () => steady.now() + ahead }
  const stored = openState(':memory:')
  ends.push(() => stored.close())
  let sender: WebhookSender | undefined
  const announcer = createAnnouncer({
    state: stored,
    clock,
    log: silent,
    onQueued: () => sender?.nudge(),
  })
  const { state } = announcer
  await addClient(state, 'maple')
  const receiver = await startReceiver(answers)
  ends.push(() => receiver.stop())
  const webhook: Webhook = {
    id: newId('webhook', clock),
    tenantId: 'ten_maple',
    url: receiver.url,
    events: ['import.completed', 'import.failed', 'import.held', 'upload.incomplete'],
    secret,
    disabled: false,
    createdAt: 1,
  }
  await state.webhooks.create(webhook)
  return {
    state,
    stored,
    announcer,
    webhook,
    receiver,
    clock,
    start(networks = ['127.0.0.0/8']) {
      const started = startWebhookSender({ state, clock, log: silent, networks })
      sender = started
      ends.push(() => started.stop())
      return started
    },
    pass(milliseconds: number) {
      ahead += milliseconds
      sender?.nudge()
    },
  }
}

async function endRun(
  state: StateStore,
  state_: 'completed' | 'failed' | 'held',
  id: string,
): Promise<void> {
  await state.runs.create(runOf({ id, state: 'parsing' }))
  await state.runs.update(id, { state: state_, finishedAt: 5 })
}

const deliveries = async (world: Awaited<ReturnType<typeof open>>) =>
  world.state.webhooks.deliveries(world.webhook.id, { limit: 50 })

describe('webhooks', () => {
  test('each event reaches the receiver once, with a signature that Standard Webhooks accepts', async () => {
    const world = await open()
    world.start()
    await endRun(world.state, 'completed', 'run_1')
    await endRun(world.state, 'failed', 'run_2')
    await endRun(world.state, 'held', 'run_3')
    world.state.audit.append({
      at: 7,
      tenantId: 'ten_maple',
      event: 'PARTIAL_CLOSE',
      actor: 'maple',
      address: '192.0.2.1',
      protocol: 'sftp',
      clientVersion: null,
      path: '/users.csv',
      bytes: 5,
      detail: null,
    })
    await vi.waitFor(() => expect(world.receiver.received).toHaveLength(4))
    const verifier = new Verifier(secret)
    const events = world.receiver.received.map(({ body, headers }) => {
      const told = {
        'webhook-id': String(headers['webhook-id']),
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      }
      expect(() => verifier.verify(`${body} `, told)).toThrow()
      return verifier.verify(body, told) as { type: string; data: Record<string, unknown> }
    })
    expect(events.map(({ type }) => type).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'import.completed',
      'import.failed',
      'import.held',
      'upload.incomplete',
    ])
    const failed = events.find(({ type }) => type === 'import.failed')
    expect(failed?.data).toMatchObject({
      id: 'run_2',
      state: 'failed',
      links: { self: '/imports/run_2' },
    })
    await world.announcer.recover()
    expect(await deliveries(world)).toHaveLength(4)
    await vi.waitFor(async () =>
      expect((await deliveries(world)).map(({ state }) => state)).toEqual(
        Array(4).fill('delivered'),
      ),
    )
  })

  test('what is refused comes again after a pause, with the same id and body, and is told in the log', async () => {
    const world = await open([{ status: 500, body: 'not now' }, { status: 503 }])
    world.start()
    await endRun(world.state, 'completed', 'run_1')
    await vi.waitFor(async () =>
      expect(await deliveries(world)).toMatchObject([
        { state: 'queued', attempts: 1, status: 500, answer: 'not now' },
      ]),
    )
    const [first] = await deliveries(world)
    expect((first?.nextAttemptAt ?? 0) - world.clock.now()).toBeGreaterThan(4_000)
    world.pass(6_000)
    await vi.waitFor(() => expect(world.receiver.received).toHaveLength(2))
    world.pass(1_000)
    world.pass(400_000)
    await vi.waitFor(async () =>
      expect(await deliveries(world)).toMatchObject([
        { state: 'delivered', attempts: 3, status: 204 },
      ]),
    )
    const { received } = world.receiver
    expect(received).toHaveLength(3)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })

  test('what is queued waits for a server that was down, and what it missed is announced at its start', async () => {
    const world = await open()
    await endRun(world.state, 'completed', 'run_1')
    expect(await deliveries(world)).toMatchObject([{ state: 'queued', attempts: 0 }])
    // Ended, and killed before it could be announced.
    const missed = runOf({
      id: 'run_2',
      state: 'failed',
      createdAt: world.clock.now(),
      finishedAt: world.clock.now(),
    })
    await world.state.runs.create(missed)
    await world.announcer.recover()
    world.start()
    await vi.waitFor(() => expect(world.receiver.received).toHaveLength(2))
  })

  test('a cut upload that is in the audit and was not announced is announced at the next start, once', async () => {
    const world = await open()
    const entry = {
      at: world.clock.now(),
      tenantId: 'ten_maple',
      event: 'PARTIAL_CLOSE' as const,
      actor: 'maple',
      address: null,
      protocol: 'sftp',
      clientVersion: null,
      path: '/users.csv',
      bytes: 5,
      detail: null,
    }
    // Past the announcer, as a process that dies in between leaves it.
    world.stored.audit.append(entry)
    expect(await deliveries(world)).toEqual([])
    await world.announcer.recover()
    await world.announcer.recover()
    expect(await deliveries(world)).toMatchObject([{ event: 'upload.incomplete' }])
  })

  test('an upload that its client cuts is told with what was kept, and one cut before its first byte is not', async () => {
    const world = await open()
    world.start()
    const { files } = memoryDriver()
    const session = await loggedIn(door({ state: world.state, files }), 'maple')
    const empty = await session.openWrite('/empty.csv', { disposition: 'replace' })
    await empty.cut('the connection was lost')
    const half = await session.openWrite('/half.csv', { disposition: 'replace' })
    await half.write(0, Buffer.from('email\nada@'))
    await half.cut('the connection was lost')
    await vi.waitFor(() => expect(world.receiver.received).toHaveLength(1))
    expect(JSON.parse(world.receiver.received[0]?.body ?? '')).toMatchObject({
      type: 'upload.incomplete',
      data: { tenantId: 'ten_maple', path: '/half.csv', protocol: 'sftp', sizeBytes: 10 },
    })
    await world.announcer.recover()
    expect(await deliveries(world)).toHaveLength(1)
    const audit = await world.state.audit.list({ tenantId: 'ten_maple', limit: 10 })
    expect(audit.filter(({ event }) => event === 'PARTIAL_CLOSE')).toHaveLength(2)
    await session.end('over')
  })

  test('410 disables the webhook; a disabled one, a young one and a dry run are told nothing', async () => {
    const world = await open([{ status: 410 }])
    world.start()
    await endRun(world.state, 'completed', 'run_1')
    await vi.waitFor(async () =>
      expect(await world.state.webhooks.get('ten_maple', world.webhook.id)).toMatchObject({
        disabled: true,
      }),
    )
    await endRun(world.state, 'completed', 'run_2')
    await world.state.webhooks.update({ ...world.webhook, disabled: false })
    await world.state.runs.create(runOf({ id: 'run_3', state: 'parsing', dryRun: true }))
    await world.state.runs.update('run_3', { state: 'completed', finishedAt: 5 })
    await world.state.runs.create(runOf({ id: 'run_4', state: 'parsing' }))
    await world.state.runs.update('run_4', { state: 'completed', finishedAt: 0 })
    expect(await deliveries(world)).toMatchObject([
      { subject: 'run_1', state: 'failed', status: 410 },
    ])
  })

  test('a private address is not gone to unless it is allowed, and the log says so', async () => {
    const world = await open()
    world.start([])
    await endRun(world.state, 'completed', 'run_1')
    await vi.waitFor(async () =>
      expect(await deliveries(world)).toMatchObject([
        { attempts: 1, status: null, answer: expect.stringContaining('WEBHOOK_NETWORKS') },
      ]),
    )
    expect(world.receiver.received).toEqual([])
  })

  test('after the last pause it is given up', async () => {
    const world = await open()
    const [last] = await (async () => {
      await endRun(world.state, 'completed', 'run_1')
      return deliveries(world)
    })()
    if (last === undefined) throw new Error('nothing was queued')
    await world.state.webhooks.keep({ ...last, attempts: 9 })
    world.start([])
    await vi.waitFor(async () =>
      expect(await deliveries(world)).toMatchObject([{ state: 'failed', attempts: 10 }]),
    )
  })
})
