import type { DatabaseSync } from 'node:sqlite'
import type { OutboxStore } from '../../domain/state.ts'
import { mailOf } from '../mapping.ts'
import { number } from '../row.ts'

/** The mails to send, and what became of them. */
export function outboxStore(db: DatabaseSync): OutboxStore {
  // A run mirrors its mails again after a kill: what is there already stays as it is.
  const insert = db.prepare(
    'INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const byId = db.prepare('SELECT * FROM outbox WHERE id = ?')
  const due = db.prepare(
    `SELECT * FROM outbox WHERE state = 'queued' AND next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT ?`,
  )
  const next = db.prepare(`SELECT min(next_attempt_at) AS at FROM outbox WHERE state = 'queued'`)
  const change = db.prepare(
    `UPDATE outbox SET state = ?, attempts = ?, next_attempt_at = ?, sent_at = ?, last_answer = ?, path = ?, subject = ?
     WHERE id = ?`,
  )
  const ofTenant = db.prepare('SELECT * FROM outbox WHERE tenant_id = ? ORDER BY id DESC LIMIT ?')
  const ofRun = db.prepare('SELECT * FROM outbox WHERE run_id = ? ORDER BY id')

  return {
    async add(mail) {
      insert.run(
        mail.id,
        mail.tenantId,
        mail.runId,
        mail.kind,
        mail.messageId,
        mail.state,
        mail.attempts,
        mail.nextAttemptAt,
        mail.createdAt,
        mail.sentAt,
        mail.lastAnswer,
        mail.path,
        mail.subject,
      )
    },
    async get(id) {
      const row = byId.get(id)
      return row && mailOf(row)
    },
    async due(now, limit) {
      return due.all(now, limit).map(mailOf)
    },
    async nextDueAt() {
      const row = next.get()
      return row === undefined || row['at'] === null ? undefined : number(row, 'at')
    },
    async update(mail) {
      change.run(
        mail.state,
        mail.attempts,
        mail.nextAttemptAt,
        mail.sentAt,
        mail.lastAnswer,
        mail.path,
        mail.subject,
        mail.id,
      )
    },
    async list(tenantId, limit) {
      return ofTenant.all(tenantId, limit).map(mailOf)
    },
    async forRun(runId) {
      return ofRun.all(runId).map(mailOf)
    },
  }
}
