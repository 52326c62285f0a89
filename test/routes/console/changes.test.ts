import { afterEach, beforeEach, expect, test } from 'vitest'
import { newId } from '../../../src/domain/id.ts'
import { dropPath, incompleteName } from '../../../src/domain/layout.ts'
import { openWorld, signedIn } from './visitor.ts'
import type { Visitor, World } from './visitor.ts'

let world: World
const ends: (() => Promise<void>)[] = []
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await world.state.close()
})

async function listening(visitor: Visitor, path = '/console/events') {
  const answer = await visitor.get(path)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('there is no body')
  ends.push(() => reader.cancel())
  return async () => (await reader.read()).value ?? ''
}

test('an event tells each visitor of changed runs of the own client, and of no other', async () => {
  const run = await world.addRun({ state: 'queued' })
  const own = await listening(await signedIn(world, 'tenant'))
  const other = await listening(await signedIn(world, 'other'))
  expect(await own()).toContain('event: hello')
  expect(await other()).toContain('event: hello')
  let overheard = ''
  void other().then((text) => (overheard = text))
  await world.state.runs.update(run.id, { state: 'parsing' })
  const told = await own()
  expect(told).toContain('event: change')
  // An id and no word of what has changed: the page is fetched again with the visitor's own rights.
  expect(told).toMatch(/^id: [0-9a-f]{24}\nevent: change\ndata:\n\n$/)
  await new Promise((go) => setTimeout(go, 1_200))
  expect(overheard).toBe('')
})

test('who comes back with the id of the last event is told what was missed', async () => {
  const run = await world.addRun({ state: 'queued' })
  const visitor = await signedIn(world, 'operator')
  const first = /id: (\w+)/.exec(await (await listening(visitor))())?.[1] ?? ''
  await world.state.runs.update(run.id, { state: 'parsing' })
  const answer = await world.app.request('/console/events', {
    headers: { cookie: visitor.cookie, 'last-event-id': first },
  })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  ends.push(async () => reader?.cancel())
  expect((await reader?.read())?.value).toContain(`id: ${first}`)
  expect((await reader?.read())?.value).toContain('event: change')
})

test.each([
  [
    'a mail that was sent',
    '/console/clients/ten_maple/events?of=outbox',
    () =>
      world.state.outbox.add({
        id: newId('mail', world.clock),
        tenantId: 'ten_maple',
        runId: null,
        kind: 'test',
        messageId: 'one@x.example',
        state: 'queued',
        attempts: 0,
        nextAttemptAt: 0,
        createdAt: 0,
        sentAt: null,
        lastAnswer: null,
        path: null,
        subject: null,
      }),
  ],
  [
    'an upload that was cut',
    '/console/clients/ten_maple/events?of=incomplete',
    async () => {
      const staged = await world.files.openWrite(
        dropPath('ten_maple', '', incompleteName('users.csv')),
      )
      await staged.write(0, new Uint8Array(5))
      await staged.commit({ overwrite: true })
    },
  ],
  [
    'a delivery of a webhook',
    '/console/clients/ten_maple/events?of=webhook:whk_one',
    () =>
      world.state.webhooks.queue({
        id: newId('delivery', world.clock),
        webhookId: 'whk_one',
        tenantId: 'ten_maple',
        event: 'import.failed',
        subject: 'run_1',
        body: '{}',
        state: 'queued',
        attempts: 0,
        nextAttemptAt: 0,
        createdAt: 0,
        deliveredAt: null,
        status: null,
        answer: null,
      }),
  ],
])(
  'the page that shows %s hears of it',
  async (_, path, happens) => {
    await world.state.webhooks.create({
      id: 'whk_one',
      tenantId: 'ten_maple',
      url: 'https://hr.example/',
      events: ['import.failed'],
      secret: 'whsec_',
      disabled: false,
      createdAt: 0,
    })
    const hear = await listening(await signedIn(world, 'tenant'), path)
    expect(await hear()).toContain('event: hello')
    await happens()
    expect(await hear()).toMatch(/^id: [0-9a-f]{24}\nevent: change\ndata:\n\n$/)
  },
  15_000,
)

test('the page of the server hears of a check that is not well any more', async () => {
  let well = true
  const checks = [
    {
      name: 'disk space',
      async check() {
        if (!well) throw new Error('too little')
      },
    },
  ]
  await world.state.close()
  world = await openWorld({ checks })
  const hear = await listening(await signedIn(world, 'operator'), '/console/server/events')
  expect(await hear()).toContain('event: hello')
  well = false
  expect(await hear()).toContain('event: change')
}, 15_000)

test("events of another client's pages, of the server and of what is not there are not given", async () => {
  const staff = await signedIn(world, 'tenant')
  const readOnly = await signedIn(world, 'monitor')
  for (const [visitor, path, status] of [
    [staff, '/console/clients/ten_oak/events?of=outbox', 404],
    [staff, '/console/clients/ten_maple/events?of=webhook:whk_none', 404],
    [staff, '/console/clients/ten_maple/events?of=secrets', 404],
    [staff, '/console/server/events', 403],
    [readOnly, '/console/clients/ten_maple/events?of=outbox', 403],
  ] as const) {
    expect((await visitor.get(path)).status, path).toBe(status)
  }
})
