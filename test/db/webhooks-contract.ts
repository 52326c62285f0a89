import { describe, expect, test } from 'vitest'
import type { Webhook, WebhookDelivery } from '../../src/domain/webhook.ts'
import { addClient } from '../drop/door.ts'
import type { OpenState } from './state-samples.ts'

export const webhook: Webhook = {
  id: 'whk_1',
  tenantId: 'ten_maple',
  url: 'https://hr.maple.example/hook',
  events: ['import.failed', 'import.held'],
  secret: 'whsec_c2VjcmV0',
  disabled: false,
  createdAt: 1,
}

export const delivery: WebhookDelivery = {
  id: 'msg_1',
  webhookId: 'whk_1',
  tenantId: 'ten_maple',
  event: 'import.failed',
  subject: 'run_1',
  body: '{"type":"import.failed"}',
  state: 'queued',
  attempts: 0,
  nextAttemptAt: 100,
  createdAt: 5,
  deliveredAt: null,
  status: null,
  answer: null,
}

/** How every state keeps webhooks and their deliveries. */
export function webhooksContract(name: string, open: OpenState): void {
  describe(`the webhook contract: ${name}`, () => {
    test('keeps webhooks by client, and forgets their deliveries with them', async () => {
      const state = await open('webhooks-kept')
      await addClient(state, 'maple')
      await addClient(state, 'oak')
      const { webhooks } = state
      await webhooks.create(webhook)
      expect(await webhooks.list('ten_maple')).toEqual([webhook])
      expect(await webhooks.get('ten_oak', 'whk_1')).toBeUndefined()
      const changed: Webhook = { ...webhook, events: ['upload.incomplete'], disabled: true }
      await webhooks.update({ ...changed, tenantId: 'ten_oak', url: 'https://x.example' })
      await webhooks.update(changed)
      expect(await webhooks.get('ten_maple', 'whk_1')).toEqual(changed)
      await webhooks.queue(delivery)
      expect(await webhooks.remove('ten_oak', 'whk_1')).toBe(false)
      expect(await webhooks.remove('ten_maple', 'whk_1')).toBe(true)
      expect(await webhooks.due(1e9, 9)).toEqual([])
    })

    test('queues an event once, gives it when it is due, and keeps what became of it', async () => {
      const state = await open('webhooks-queue')
      await addClient(state, 'maple')
      const { webhooks } = state
      await webhooks.create(webhook)
      await webhooks.queue(delivery)
      await webhooks.queue({ ...delivery, id: 'msg_2', body: 'again' })
      await webhooks.queue({ ...delivery, id: 'msg_3', subject: 'run_2', nextAttemptAt: 50 })
      expect(await webhooks.nextDueAt()).toBe(50)
      expect(await webhooks.due(49, 9)).toEqual([])
      expect((await webhooks.due(100, 9)).map(({ id }) => id)).toEqual(['msg_3', 'msg_1'])
      const kept: WebhookDelivery = {
        ...delivery,
        state: 'delivered',
        attempts: 2,
        deliveredAt: 120,
        status: 204,
        answer: '',
      }
      await webhooks.keep(kept)
      expect(await webhooks.delivery('ten_maple', 'msg_1')).toEqual(kept)
      expect(await webhooks.delivery('ten_oak', 'msg_1')).toBeUndefined()
      expect((await webhooks.due(100, 9)).map(({ id }) => id)).toEqual(['msg_3'])
      const page = await webhooks.deliveries('whk_1', { limit: 1 })
      expect(page.map(({ id }) => id)).toEqual(['msg_3'])
      const rest = await webhooks.deliveries('whk_1', { limit: 9, before: 'msg_3' })
      expect(rest).toEqual([kept])
      await webhooks.sweep(6)
      expect((await webhooks.deliveries('whk_1', { limit: 9 })).map(({ id }) => id)).toEqual([
        'msg_3',
      ])
    })
  })
}
