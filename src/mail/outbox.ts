import type { MailTransport } from '../domain/outgoing.ts'

/**
 * The mail server of an installation that has none: the sender has kept the message as `.eml` in the
 * file store before it comes here, so there is nothing left to do.
 */
export function embeddedOutbox(): MailTransport {
  return {
    async deliver() {
      return { state: 'sent', answer: 'kept in the embedded outbox' }
    },
    close() {},
  }
}
