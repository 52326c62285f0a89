import { Readable } from 'node:stream'
import { AppError } from '../domain/error.ts'
import type { Importer } from '../domain/importer.ts'
import { baseName } from '../domain/layout.ts'
import type { Run } from '../domain/run.ts'
import type { OutboxMail } from '../domain/state.ts'
import type { FileReader, FileStore } from '../domain/storage.ts'
import type { Tenant } from '../domain/tenant.ts'
import { parseAddress } from '../domain/mail-address.ts'
import { bytesOf, firstPart, maxAttachedBytes, maxAttachedRows, openReport } from './attachment.ts'
import { contentOf } from './content.ts'
import { oneLine } from '../domain/figures.ts'
import { asHtml, asText } from './letter.ts'
import { maxSamples } from './story.ts'
import type { RunStory, Sample } from './story.ts'
import { subjectOf } from './subject.ts'

/** What a message is made of. */
export interface Composition {
  /** The mail; its own subject wins over the one that its kind would get. */
  mail: OutboxMail
  tenant: Tenant
  /** The runs that it is about, oldest first; none for a silence or test mail. */
  runs: readonly Run[]
  failures: Importer['failures']
  files: FileStore
  /** Where the message is kept. */
  path: string
  /** Date of the message, milliseconds since 1970. */
  date: number
}

const maxSubject = 200

/** Loaded with the first mail: 15 MB that most starts never need. */
async function composer() {
  const { createTransport } = await import('nodemailer')
  return createTransport({ streamTransport: true, newline: 'windows' })
}

async function samplesOf(run: Run, failures: Importer['failures']): Promise<Sample[]> {
  const commonest = run.reasons.toSorted((a, b) => b.count - a.count).slice(0, maxSamples)
  const samples: Sample[] = []
  for (const { code, count } of commonest) {
    const [failure] = await failures(run, { code, limit: 1 })
    samples.push({ code, count, failure })
  }
  return samples
}

interface OpenedReport {
  story: RunStory
  attached: { filename: string; reader: FileReader; bytes: number } | null
}

async function storyOf(
  run: Run,
  { files, failures }: Composition,
  left: { bytes: number },
  opened: FileReader[],
): Promise<OpenedReport> {
  const samples = await samplesOf(run, failures)
  if (run.reportPath === null) return { story: { run, samples, report: null }, attached: null }
  const filename = baseName(run.reportPath)
  const reader = await openReport(files, run.reportPath)
  if (reader === undefined) return { story: { run, samples, report: null }, attached: null }
  opened.push(reader)
  const part = await firstPart(reader, { maxBytes: left.bytes, maxRows: maxAttachedRows })
  if (part.rows === 0) {
    return { story: { run, samples, report: { filename, part: null } }, attached: null }
  }
  left.bytes -= part.bytes
  return {
    story: { run, samples, report: { filename, part } },
    attached: { filename, reader, bytes: part.bytes },
  }
}

async function keep(files: FileStore, path: string, message: AsyncIterable<Uint8Array>) {
  const staged = await files.openWrite(path)
  try {
    for await (const chunk of message) await staged.write(staged.size, chunk)
    await staged.commit({ overwrite: true })
  } catch (error) {
    await staged.abort()
    throw error
  }
}

/**
 * Builds the message once and keeps it at `path`, so that each try sends the same bytes.
 *
 * Returns its subject. Throws AppError `invalid` when a mail setting is missing or holds no address.
 */
export async function compose(composition: Composition): Promise<string> {
  const { mail, tenant, runs, files, path, date } = composition
  const { replyTo, failedImportEmail } = tenant.settings
  if (replyTo === null || failedImportEmail.length === 0) {
    throw new AppError(
      'invalid',
      `Cannot write a mail for "${tenant.name}": a mail setting is missing, Reply-to Admin Email Address and Failed Import Email are needed`,
    )
  }
  const from = parseAddress(replyTo)
  const to = failedImportEmail.map(parseAddress)
  const left = { bytes: maxAttachedBytes }
  const opened: FileReader[] = []
  try {
    const reports: OpenedReport[] = []
    // The smallest first: one huge report must not keep the others out of the mail.
    for (const run of runs.toSorted((a, b) => a.counts.failed - b.counts.failed)) {
      reports.push(await storyOf(run, composition, left, opened))
    }
    reports.sort((a, b) => runs.indexOf(a.story.run) - runs.indexOf(b.story.run))
    const subject = oneLine(mail.subject ?? subjectOf(mail.kind, tenant, runs), maxSubject)
    const stories = reports.map(({ story }) => story)
    const blocks = contentOf(mail.kind, subject, tenant, stories)
    const { message } = await (
      await composer()
    ).sendMail({
      from,
      to,
      replyTo: from,
      subject,
      date: new Date(date),
      messageId: `<${mail.messageId.replace(/^<|>$/g, '')}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      text: asText(blocks),
      html: asHtml(blocks),
      attachments: reports.flatMap(({ attached }) =>
        attached === null
          ? []
          : {
              filename: attached.filename,
              content: Readable.from(bytesOf(attached.reader, attached.bytes)),
              contentType: 'text/csv; charset=utf-8',
              contentTransferEncoding: 'base64' as const,
            },
      ),
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    await keep(files, path, Readable.from(message))
    return subject
  } finally {
    for (const reader of opened) await reader.close()
  }
}
