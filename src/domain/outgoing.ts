/** A message ready to leave: the same bytes and Message-ID at each try. */
export interface OutgoingMail {
  from: string
  to: string[]
  raw: Uint8Array
}

/** What became of one try. */
export interface DeliveryResult {
  state: 'sent' | 'retry' | 'refused'
  /** The server's answer, at most 500 characters. */
  answer: string
}

/** Hands a composed message over; `src/mail/` fills it by SMTP or by the embedded outbox. */
export interface MailTransport {
  deliver(mail: OutgoingMail): Promise<DeliveryResult>
  close(): void
}
