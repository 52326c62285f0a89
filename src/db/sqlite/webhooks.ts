import type { DatabaseSync } from 'node:sqlite'
import type { WebhookStore } from '../../domain/webhook.ts'
import { deliveryOf, webhookOf } from '../mapping.ts'
import { number } from '../row.ts'

/** The webhooks of `state.db` and their deliveries. */
export function webhookStore(db: DatabaseSync): WebhookStore {
  const insert = db.prepare('INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?)')
  const byId = db.prepare('SELECT * FROM webhooks WHERE tenant_id = ? AND id = ?')
  const ofTenant = db.prepare('SELECT * FROM webhooks WHERE tenant_id = ? ORDER BY id DESC')
  const change = db.prepare(
    'UPDATE webhooks SET url = ?, events = ?, secret = ?, disabled = ? WHERE tenant_id = ? AND id = ?',
  )
  const remove = db.prepare('DELETE FROM webhooks WHERE tenant_id = ? AND id = ?')
  const queue = db.prepare(
    `INSERT INTO webhook_deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const due = db.prepare(
    `SELECT * FROM webhook_deliveries WHERE state = 'queued' AND next_attempt_at <= ?
     ORDER BY next_attempt_at, id LIMIT ?`,
  )
  const next = db.prepare(
    `SELECT next_attempt_at FROM webhook_deliveries WHERE state = 'queued' ORDER BY next_attempt_at LIMIT 1`,
  )
  const keep = db.prepare(
    `UPDATE webhook_deliveries SET state = ?, attempts = ?, next_attempt_at = ?, delivered_at = ?, status = ?, answer = ?
     WHERE id = ?`,
  )
  const one = db.prepare('SELECT * FROM webhook_deliveries WHERE tenant_id = ? AND id = ?')
  const ofWebhook = db.prepare(
    `SELECT * FROM webhook_deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3`,
  )
  const sweep = db.prepare(
    `DELETE FROM webhook_deliveries WHERE state <> 'queued' AND created_at < ?`,
  )

  return {
    async create(webhook) {
      const { id, tenantId, url, events, secret, disabled, createdAt } = webhook
      insert.run(id, tenantId, url, JSON.stringify(events), secret, Number(disabled), createdAt)
    },
    async get(tenantId, id) {
      const row = byId.get(tenantId, id)
      return row && webhookOf(row)
    },
    async list(tenantId) {
      return ofTenant.all(tenantId).map(webhookOf)
    },
    async update({ url, events, secret, disabled, tenantId, id }) {
      change.run(url, JSON.stringify(events), secret, Number(disabled), tenantId, id)
    },
    async remove(tenantId, id) {
      return remove.run(tenantId, id).changes === 1
    },
    async queue(one) {
      const { id, webhookId, tenantId, event, subject, body, state, attempts } = one
      const { nextAttemptAt, createdAt, deliveredAt, status, answer } = one
      const what = [id, webhookId, tenantId, event, subject, body] as const
      queue.run(...what, state, attempts, nextAttemptAt, createdAt, deliveredAt, status, answer)
    },
    async due(now, limit) {
      return due.all(now, limit).map(deliveryOf)
    },
    async nextDueAt() {
      const row = next.get()
      return row && number(row, 'next_attempt_at')
    },
    async keep({ state, attempts, nextAttemptAt, deliveredAt, status, answer, id }) {
      keep.run(state, attempts, nextAttemptAt, deliveredAt, status, answer, id)
    },
    async delivery(tenantId, id) {
      const row = one.get(tenantId, id)
      return row && deliveryOf(row)
    },
    async deliveries(webhookId, { before, limit }) {
      return ofWebhook.all(webhookId, before ?? null, limit).map(deliveryOf)
    },
    async sweep(time) {
      sweep.run(time)
    },
  }
}
