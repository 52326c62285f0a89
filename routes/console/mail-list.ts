import { html } from 'hono/html'
import { oneLine } from '../../src/domain/figures.ts'
import type { MailKind, OutboxMail } from '../../src/domain/state.ts'
import { clientPath } from './frame.ts'
import type { Html } from './page.ts'
import { pill } from './state-pill.ts'
import { fullTime } from './time.ts'

/** What each kind of mail is about. */
export const mailNames: Readonly<Record<MailKind, string>> = {
  failures: 'Failed rows',
  rejected: 'File refused',
  held: 'Import held',
  completed: 'Import completed',
  silence: 'No file came',
  'dry-run': 'Check of a file',
  incomplete: 'Upload incomplete',
  test: 'Test mail',
}

/** The state of a mail as a coloured word. */
export function mailPill({ state }: Pick<OutboxMail, 'state'>): Html {
  if (state === 'sent') return pill({ label: 'Sent', tone: 'ok', icon: 'check' })
  if (state === 'queued') return pill({ label: 'Queued', tone: 'calm', icon: 'clock' })
  return pill({ label: 'Undelivered', tone: 'bad', icon: 'cross' })
}

/** The mails of one run with the mail server's answers. */
export function mailList(mails: readonly OutboxMail[], timeZone: string): Html {
  return html`${mails.map(
    (mail) =>
      html`<div class="stack-small">
        <p class="title-row">
          <a href="${clientPath(mail.tenantId, `/outbox/${mail.id}`)}">${mailNames[mail.kind]}</a>
          ${mailPill(mail)}
        </p>
        ${
          mail.lastAnswer === null
            ? ''
            : html`<p class="small muted"><code>${oneLine(mail.lastAnswer, 300)}</code></p>`
        }
        <p class="small muted">${when(mail, timeZone)}</p>
      </div>`,
  )}`
}

function when(mail: OutboxMail, timeZone: string): Html | string {
  if (mail.sentAt !== null) return fullTime(mail.sentAt, timeZone)
  if (mail.state === 'undelivered') return `Given up after ${mail.attempts} tries`
  if (mail.attempts === 0) return 'Not tried yet'
  return html`Tried ${mail.attempts} times, next ${fullTime(mail.nextAttemptAt, timeZone)}`
}
