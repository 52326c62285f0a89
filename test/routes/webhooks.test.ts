import { beforeEach, describe, expect, test } from 'vitest'
import type { WebhookDelivery } from '../../src/domain/webhook.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
let nudges: number
beforeEach(async () => {
  nudges = 0
  world = await openWorld({ onWebhook: () => (nudges += 1) })
})

const url = 'https://hr.maple.example/hook'

async function added(body: object = { url }): Promise<{ id: string; secret: string }> {
  const answer = await world.send('POST', '/webhooks', body)
  expect(answer.status).toBe(201)
  return (await answer.json()) as { id: string; secret: string }
}

describe('/webhooks', () => {
  test('shows the secret once, and a new one on demand', async () => {
    const { id, secret } = await added()
    expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32)
    for (const path of ['/webhooks', `/webhooks/${id}`]) {
      expect(await (await world.request(path)).text()).not.toContain(secret)
    }
    const changed = await world.send('PATCH', `/webhooks/${id}`, {
      newSecret: true,
      disabled: true,
    })
    const { secret: other } = (await changed.json()) as { secret: string }
    expect(other).not.toBe(secret)
    expect(await world.state.webhooks.get('ten_maple', id)).toMatchObject({
      secret: other,
      disabled: true,
    })
    const audit = JSON.stringify(await world.state.audit.list({ limit: 9 }))
    expect(audit).not.toContain(secret)
    expect((await world.request(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await world.json('/webhooks')).data).toEqual([])
  })

  test.each([
    ['no URL', {}, '/url'],
    ['another scheme', { url: 'ftp://a.example/' }, '/url'],
    ['a URL with a password', { url: 'https://a:b@c.example/' }, '/url'],
    ['half a URL', { url: '/hook' }, '/url'],
    ['an unknown event', { url, events: ['import.complete'] }, '/events/0'],
    ['no event', { url, events: [] }, '/events'],
    ['a secret', { url, secret: 'whsec_x' }, '/secret'],
  ])('refuses %s, and adds nothing', async (_, body, pointer) => {
    const answer = await world.send('POST', '/webhooks', body)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ errors: [{ pointer }] })
    expect(await world.state.webhooks.list('ten_maple')).toEqual([])
  })

  test('no more than twenty', async () => {
    for (let count = 0; count < 20; count += 1) await added()
    expect((await world.send('POST', '/webhooks', { url })).status).toBe(409)
  })

  test('lists deliveries, and sends one again with its id and body', async () => {
    const { id } = await added()
    const delivery: WebhookDelivery = {
      id: 'msg_1',
      webhookId: id,
      tenantId: 'ten_maple',
      event: 'import.failed',
      subject: 'run_1',
      body: '{}',
      state: 'failed',
      attempts: 10,
      nextAttemptAt: 5,
      createdAt: 1,
      deliveredAt: null,
      status: 500,
      answer: 'no',
    }
    await world.state.webhooks.queue(delivery)
    const list = await world.json(`/webhooks/${id}/deliveries`)
    expect(list.data).toMatchObject([
      { id: 'msg_1', state: 'failed', status: 500, nextAttemptAt: null },
    ])
    const path = `/webhooks/${id}/deliveries/msg_1/resend`
    expect((await world.request(path, { method: 'POST' })).status).toBe(202)
    expect(nudges).toBe(1)
    expect(await world.state.webhooks.due(world.clock.now(), 9)).toMatchObject([
      { id: 'msg_1', body: '{}', attempts: 0 },
    ])
  })

  test("another client's webhook and its deliveries are as unknown as none", async () => {
    const { id } = await added()
    const other = world.tokens.other
    for (const [method, path] of [
      ['GET', `/webhooks/${id}`],
      ['PATCH', `/webhooks/${id}`],
      ['DELETE', `/webhooks/${id}`],
      ['GET', `/webhooks/${id}/deliveries`],
      ['POST', `/webhooks/${id}/deliveries/msg_1/resend`],
    ] as const) {
      const body = method === 'PATCH' ? { body: '{"disabled":true}' } : {}
      const headers = { 'content-type': 'application/json' }
      const answer = await world.request(path, { method, headers, ...body }, other)
      expect(answer.status, `${method} ${path}`).toBe(404)
    }
    expect(await world.state.webhooks.get('ten_maple', id)).toMatchObject({ disabled: false })
  })
})
