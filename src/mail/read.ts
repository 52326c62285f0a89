/** A message as its reader sees it. */
export interface ReceivedMail {
  messageId: string
  /** `Name <address>` or the address alone. */
  from: string
  to: string[]
  subject: string
  /** Milliseconds since 1970; null without a Date header. */
  date: number | null
  text: string
  html: string
  attachments: { filename: string; contentType: string; content: Uint8Array }[]
}

interface Mailboxes {
  value: { name: string; address?: string | undefined }[]
}

function mailboxes(parsed: Mailboxes | Mailboxes[] | undefined): string[] {
  return [parsed ?? []]
    .flat()
    .flatMap((one) => one.value)
    .map(({ name, address = '' }) => (name === '' ? address : `${name} <${address}>`))
}

/** Reads a message that was kept or received: for the console, the demo and the tests. */
export async function readMail(bytes: Uint8Array): Promise<ReceivedMail> {
  // Imported here because the parser and its HTML tables take longer to load than most starts need it.
  const { simpleParser } = await import('mailparser')
  const parsed = await simpleParser(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
    skipTextToHtml: true,
    skipImageLinks: true,
    skipHtmlToText: true,
  })
  return {
    messageId: parsed.messageId ?? '',
    from: mailboxes(parsed.from).join(', '),
    to: mailboxes(parsed.to),
    subject: parsed.subject ?? '',
    date: parsed.date?.getTime() ?? null,
    text: parsed.text ?? '',
    html: parsed.html === false ? '' : (parsed.html ?? ''),
    attachments: parsed.attachments.map(({ filename, contentType, content }) => ({
      filename: filename ?? '',
      contentType,
      content,
    })),
  }
}
