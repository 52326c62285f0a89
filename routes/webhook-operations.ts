import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import { newId } from '../src/domain/id.ts'
import type { AuditStore } from '../src/domain/state.ts'
import { webhookEvents } from '../src/domain/webhook.ts'
import type { Webhook, WebhookDelivery, WebhookStore } from '../src/domain/webhook.ts'
import { audited } from './audit-trail.ts'
import type { Caller } from './auth.ts'
import { areDistinct, notDistinct } from './settings-schema.ts'

// Each is told of every event: more is a mistake of a script.
const mostWebhooks = 20

function isTarget(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hash } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === ''
}

const members = {
  url: z
    .string()
    .max(2000)
    .refine(isTarget, {
      error: 'is no URL such as https://hr.example.com/hook, without name, password and #',
    })
    .meta({ description: 'https; http and private networks only where the operator allows them' }),
  events: z.array(z.enum(webhookEvents)).min(1).refine(areDistinct, notDistinct),
  disabled: z.boolean(),
}

/** A webhook to add. */
export const webhookBody = z
  .strictObject({
    url: members.url,
    events: members.events.default([...webhookEvents]),
    disabled: members.disabled.default(false),
  })
  .meta({ id: 'WebhookBody' })

/** What of a webhook can be changed; what is not there stays. */
export const webhookPatch = z
  .strictObject({
    ...members,
    newSecret: z.literal(true).meta({ description: 'Make a secret, and show it once' }),
  })
  .partial()
  .meta({ id: 'WebhookPatch' })

/** What can be done with webhooks, for API and console alike; each change is kept in the audit. */
export function webhookOperations(options: {
  webhooks: WebhookStore
  audit: Pick<AuditStore, 'append'>
  clock: Clock
  /** Deliveries may be due. */
  onWebhook: () => void
}) {
  const { webhooks, clock, onWebhook } = options
  const record = audited(options)
  const keep = (caller: Caller, { tenantId, id }: Webhook, detail: string) =>
    record(caller, { event: 'SETTINGS', tenantId, path: `webhook ${id}`, detail })
  const newSecret = () => `whsec_${btoa(String.fromCharCode(...clock.random(32)))}`

  async function find(tenantId: string, id: string): Promise<Webhook> {
    const webhook = await webhooks.get(tenantId, id)
    if (webhook !== undefined) return webhook
    throw new AppError(
      'not_found',
      `Cannot find the webhook "${id.slice(0, 60)}": there is none of this id`,
    )
  }

  return {
    find,
    list: (tenantId: string): Promise<Webhook[]> => webhooks.list(tenantId),
    /** The webhook with its secret, which is shown this once. Throws `conflict` when there are too many. */
    async add(
      caller: Caller,
      tenantId: string,
      body: z.infer<typeof webhookBody>,
    ): Promise<Webhook> {
      if ((await webhooks.list(tenantId)).length >= mostWebhooks) {
        throw new AppError(
          'conflict',
          `Cannot add the webhook: there are ${mostWebhooks} already, remove one first`,
        )
      }
      const { url, events, disabled } = body
      const what = { url, events, disabled, secret: newSecret(), createdAt: clock.now() }
      const webhook: Webhook = { id: newId('webhook', clock), tenantId, ...what }
      await webhooks.create(webhook)
      keep(caller, webhook, 'added')
      return webhook
    },
    /** The webhook as it is now, and whether its secret is new. */
    async change(
      caller: Caller,
      { tenantId, id }: Pick<Webhook, 'tenantId' | 'id'>,
      body: z.infer<typeof webhookPatch>,
    ): Promise<Webhook> {
      const current = await find(tenantId, id)
      const webhook: Webhook = {
        ...current,
        url: body.url ?? current.url,
        events: body.events ?? current.events,
        disabled: body.disabled ?? current.disabled,
        secret: body.newSecret === true ? newSecret() : current.secret,
      }
      await webhooks.update(webhook)
      keep(caller, webhook, Object.keys(body).join(', '))
      return webhook
    },
    async remove(
      caller: Caller,
      { tenantId, id }: Pick<Webhook, 'tenantId' | 'id'>,
    ): Promise<void> {
      const webhook = await find(tenantId, id)
      await webhooks.remove(tenantId, id)
      keep(caller, webhook, 'removed')
    },
    async deliveries(
      { tenantId, id }: Pick<Webhook, 'tenantId' | 'id'>,
      options: { before?: string; limit: number },
    ): Promise<WebhookDelivery[]> {
      const webhook = await find(tenantId, id)
      return webhooks.deliveries(webhook.id, options)
    },
    /** Queues a delivery again, with the same id and body. Throws `not_found`. */
    async resend(
      caller: Caller,
      { tenantId, id }: Pick<Webhook, 'tenantId' | 'id'>,
      deliveryId: string,
    ): Promise<WebhookDelivery> {
      const webhook = await find(tenantId, id)
      const delivery = await webhooks.delivery(tenantId, deliveryId)
      if (delivery?.webhookId !== webhook.id) {
        throw new AppError(
          'not_found',
          `Cannot find the delivery "${deliveryId.slice(0, 60)}": the webhook has none of this id`,
        )
      }
      const again: WebhookDelivery = {
        ...delivery,
        state: 'queued',
        attempts: 0,
        nextAttemptAt: clock.now(),
        deliveredAt: null,
      }
      await webhooks.keep(again)
      keep(caller, webhook, `re-sent ${delivery.id}`)
      onWebhook()
      return again
    },
  }
}

export type WebhookOperations = ReturnType<typeof webhookOperations>
