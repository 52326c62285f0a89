import type { OutboxStore } from '../../domain/state.ts'
import { mailOf } from '../mapping.ts'
import { number } from '../row.ts'
import type { Postgres } from './connect.ts'

/** The mails to send, and what became of them. */
export function outboxStore(sql: Postgres): OutboxStore {
  return {
    async add(mail) {
      // A run mirrors its mails again after a kill: what is there already stays as it is.
      await sql`INSERT INTO outbox VALUES (${mail.id}, ${mail.tenantId}, ${mail.runId}, ${mail.kind}, ${mail.messageId},
          ${mail.state}, ${mail.attempts}, ${mail.nextAttemptAt}, ${mail.createdAt}, ${mail.sentAt}, ${mail.lastAnswer},
          ${mail.path}, ${mail.subject})
        ON CONFLICT DO NOTHING`
    },
    async get(id) {
      const [row] = await sql`SELECT * FROM outbox WHERE id = ${id}`
      return row && mailOf(row)
    },
    async due(now, limit) {
      const rows =
        await sql`SELECT * FROM outbox WHERE state = 'queued' AND next_attempt_at <= ${now}
        ORDER BY next_attempt_at, id LIMIT ${limit}`
      return rows.map(mailOf)
    },
    async nextDueAt() {
      const [row] =
        await sql`SELECT next_attempt_at FROM outbox WHERE state = 'queued' ORDER BY next_attempt_at LIMIT 1`
      return row && number(row, 'next_attempt_at')
    },
    async update(mail) {
      await sql`UPDATE outbox SET state = ${mail.state}, attempts = ${mail.attempts},
        next_attempt_at = ${mail.nextAttemptAt}, sent_at = ${mail.sentAt}, last_answer = ${mail.lastAnswer},
        path = ${mail.path}, subject = ${mail.subject} WHERE id = ${mail.id}`
    },
    async list(tenantId, limit) {
      const rows =
        await sql`SELECT * FROM outbox WHERE tenant_id = ${tenantId} ORDER BY id DESC LIMIT ${limit}`
      return rows.map(mailOf)
    },
    async forRun(runId) {
      return (await sql`SELECT * FROM outbox WHERE run_id = ${runId} ORDER BY id`).map(mailOf)
    },
  }
}
