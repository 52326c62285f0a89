import { z } from 'zod'
import { deliveryStates, webhookEvents } from '../src/domain/webhook.ts'
import type { Webhook, WebhookDelivery } from '../src/domain/webhook.ts'
import { isId } from '../src/domain/id.ts'
import { tenantFor } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Operations } from './operations.ts'
import { listOf, madeUpCursor, page, pageQuery, tenantQuery } from './page.ts'
import { timeJson } from './run-json.ts'
import { webhookBody, webhookPatch } from './webhook-operations.ts'

const time = z.iso.datetime().nullable()

const members = {
  id: z.string(),
  tenantId: z.string(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  disabled: z.boolean(),
  createdAt: z.iso.datetime(),
}
const webhookSchema = z.strictObject(members).meta({ id: 'Webhook' })
const changedSchema = z
  .strictObject({
    ...members,
    secret: z.string().optional().meta({
      description: 'Only where it was made now: shown once. Signatures are by standardwebhooks.com',
    }),
  })
  .meta({ id: 'WebhookWithSecret' })

const deliverySchema = z
  .strictObject({
    id: z.string().meta({ description: '`webhook-id` of the request' }),
    event: z.enum(webhookEvents),
    state: z.enum(deliveryStates),
    attempts: z.number().int(),
    nextAttemptAt: time,
    createdAt: z.iso.datetime(),
    deliveredAt: time,
    status: z.number().int().nullable().meta({ description: 'Of the last answer' }),
    answer: z.string().nullable().meta({ description: 'Its beginning, or what went wrong' }),
    body: z.string().meta({ description: 'As it is sent' }),
  })
  .meta({ id: 'WebhookDelivery' })

function webhookJson(webhook: Webhook): z.infer<typeof webhookSchema> {
  const { id, tenantId, url, events, disabled, createdAt } = webhook
  return { id, tenantId, url, events, disabled, createdAt: timeJson(createdAt) }
}

function deliveryJson(delivery: WebhookDelivery): z.infer<typeof deliverySchema> {
  const { id, event, state, attempts, nextAttemptAt, createdAt, deliveredAt } = delivery
  const { status, answer, body } = delivery
  return {
    id,
    event,
    state,
    attempts,
    nextAttemptAt: state === 'queued' ? timeJson(nextAttemptAt) : null,
    createdAt: timeJson(createdAt),
    deliveredAt: timeJson(deliveredAt),
    status,
    answer,
    body,
  }
}

const query = z.strictObject(tenantQuery)

/** `/webhooks`: where a client wants to be told of events, and what became of each. */
export function webhooks({ tenants, webhooks: hooks }: Operations): Endpoint[] {
  return [
    endpoint(
      'GET /webhooks',
      {
        summary: 'The webhooks of a client, newest first',
        query,
        answers: { 200: { description: 'All', schema: listOf(webhookSchema, 'WebhookList') } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const { id } = await tenants.find(tenantFor(caller, tenant))
        const all = await hooks.list(id)
        const options = { limit: all.length, show: webhookJson }
        return page(context, all, { ...options, cursorOf: (one) => one.id })
      },
    ),
    endpoint(
      'POST /webhooks',
      {
        summary: 'Add a webhook; its secret is shown once',
        query,
        body: webhookBody,
        answers: { 201: { description: 'Added; Location is its place', schema: changedSchema } },
        problems: [404, 409],
        example: {
          body: { url: 'https://hr.maple.example/hook', events: ['import.failed', 'import.held'] },
          status: 201,
        },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const { id } = await tenants.find(tenantFor(caller, tenant))
        const webhook = await hooks.add(caller, id, body)
        context.header('location', `/webhooks/${webhook.id}`)
        context.header('cache-control', 'no-store')
        return context.json({ ...webhookJson(webhook), secret: webhook.secret }, 201)
      },
    ),
    endpoint(
      'GET /webhooks/:id',
      {
        summary: 'One webhook',
        query,
        answers: { 200: { description: 'The webhook', schema: webhookSchema } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const id = context.req.param('id') ?? ''
        return context.json(webhookJson(await hooks.find(tenantFor(caller, tenant), id)))
      },
    ),
    endpoint(
      'PATCH /webhooks/:id',
      {
        summary: 'Change a webhook; members that are not there stay',
        query,
        body: webhookPatch,
        answers: { 200: { description: 'The webhook as it is now', schema: changedSchema } },
        problems: [404],
        example: { body: { disabled: true }, status: 200 },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        const webhook = await hooks.change(caller, which, body)
        context.header('cache-control', 'no-store')
        const shown = webhookJson(webhook)
        return context.json(body.newSecret === true ? { ...shown, secret: webhook.secret } : shown)
      },
    ),
    endpoint(
      'DELETE /webhooks/:id',
      {
        summary: 'Remove a webhook and what waits for it',
        query,
        answers: { 204: { description: 'Removed' } },
        problems: [404],
        example: { status: 204 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        await hooks.remove(caller, which)
        return context.body(null, 204)
      },
    ),
    endpoint(
      'GET /webhooks/:id/deliveries',
      {
        summary: 'What was sent to a webhook, newest first; kept for 30 days',
        query: z.strictObject({ ...tenantQuery, ...pageQuery }),
        answers: {
          200: { description: 'One page', schema: listOf(deliverySchema, 'WebhookDeliveryList') },
        },
        problems: [404],
        example: { query: { limit: '5' }, status: 200 },
      },
      async ({ context, caller, query: { tenant, limit, cursor } }) => {
        if (cursor !== undefined && !isId('delivery', cursor)) throw madeUpCursor()
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        const found = await hooks.deliveries(which, {
          limit: limit + 1,
          ...(cursor === undefined ? {} : { before: cursor }),
        })
        return page(context, found, { limit, show: deliveryJson, cursorOf: (one) => one.id })
      },
    ),
    endpoint(
      'POST /webhooks/:id/deliveries/:delivery/resend',
      {
        summary: 'Send once more, with the same id and body',
        query,
        answers: { 202: { description: 'Queued', schema: deliverySchema } },
        problems: [404],
        example: { status: 202 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        const again = await hooks.resend(caller, which, context.req.param('delivery') ?? '')
        return context.json(deliveryJson(again), 202)
      },
    ),
  ]
}
