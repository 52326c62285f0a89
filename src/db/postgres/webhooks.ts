import type { WebhookStore } from '../../domain/webhook.ts'
import { deliveryOf, webhookOf } from '../mapping.ts'
import { number } from '../row.ts'
import type { Postgres } from './connect.ts'

/** The webhooks and their deliveries. */
export function webhookStore(sql: Postgres): WebhookStore {
  return {
    async create(webhook) {
      const { id, tenantId, url, events, secret, disabled, createdAt } = webhook
      await sql`INSERT INTO webhooks VALUES (${id}, ${tenantId}, ${url}, ${JSON.stringify(events)}, ${secret},
        ${Number(disabled)}, ${createdAt})`
    },
    async get(tenantId, id) {
      const [row] = await sql`SELECT * FROM webhooks WHERE tenant_id = ${tenantId} AND id = ${id}`
      return row && webhookOf(row)
    },
    async list(tenantId) {
      const rows = await sql`SELECT * FROM webhooks WHERE tenant_id = ${tenantId} ORDER BY id DESC`
      return rows.map(webhookOf)
    },
    async update({ url, events, secret, disabled, tenantId, id }) {
      await sql`UPDATE webhooks SET url = ${url}, events = ${JSON.stringify(events)}, secret = ${secret},
        disabled = ${Number(disabled)} WHERE tenant_id = ${tenantId} AND id = ${id}`
    },
    async remove(tenantId, id) {
      const { count } = await sql`DELETE FROM webhooks WHERE tenant_id = ${tenantId} AND id = ${id}`
      return count === 1
    },
    async queue(one) {
      await sql`INSERT INTO webhook_deliveries VALUES (${one.id}, ${one.webhookId}, ${one.tenantId}, ${one.event},
          ${one.subject}, ${one.body}, ${one.state}, ${one.attempts}, ${one.nextAttemptAt}, ${one.createdAt},
          ${one.deliveredAt}, ${one.status}, ${one.answer})
        ON CONFLICT DO NOTHING`
    },
    async due(now, limit) {
      const rows = await sql`SELECT * FROM webhook_deliveries
        WHERE state = 'queued' AND next_attempt_at <= ${now} ORDER BY next_attempt_at, id LIMIT ${limit}`
      return rows.map(deliveryOf)
    },
    async nextDueAt() {
      const [row] = await sql`SELECT next_attempt_at FROM webhook_deliveries
        WHERE state = 'queued' ORDER BY next_attempt_at LIMIT 1`
      return row && number(row, 'next_attempt_at')
    },
    async keep({ state, attempts, nextAttemptAt, deliveredAt, status, answer, id }) {
      await sql`UPDATE webhook_deliveries SET state = ${state}, attempts = ${attempts},
        next_attempt_at = ${nextAttemptAt}, delivered_at = ${deliveredAt}, status = ${status}, answer = ${answer}
        WHERE id = ${id}`
    },
    async delivery(tenantId, id) {
      const [row] =
        await sql`SELECT * FROM webhook_deliveries WHERE tenant_id = ${tenantId} AND id = ${id}`
      return row && deliveryOf(row)
    },
    async deliveries(webhookId, { before, limit }) {
      const earlier = before === undefined ? sql`` : sql`AND id < ${before}`
      const rows =
        await sql`SELECT * FROM webhook_deliveries WHERE webhook_id = ${webhookId} ${earlier}
        ORDER BY id DESC LIMIT ${limit}`
      return rows.map(deliveryOf)
    },
    async sweep(time) {
      await sql`DELETE FROM webhook_deliveries WHERE state <> 'queued' AND created_at < ${time}`
    },
  }
}
