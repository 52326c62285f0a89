import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reportPath } from '../../src/domain/layout.ts'
import type { Run } from '../../src/domain/run.ts'
import { mailKinds } from '../../src/domain/state.ts'
import type { OutboxMail } from '../../src/domain/state.ts'
import type { TenantSettings } from '../../src/domain/tenant.ts'
import { compose } from '../../src/mail/compose.ts'
import { readMail } from '../../src/mail/read.ts'
import {
  failures,
  mailOf,
  openOffice,
  putFile,
  report,
  runOf,
  startOfDay,
  tenantOf,
} from './office.ts'

let office: Awaited<ReturnType<typeof openOffice>>
beforeEach(async () => {
  office = await openOffice()
})
afterEach(() => office.close())

const path = 'mail/ten_maple/mai_1.eml'

async function composed(
  runs: Run[],
  changes: Partial<OutboxMail> = {},
  settings: Partial<TenantSettings> = {},
) {
  await compose({
    mail: { ...mailOf('mai_1', 'failures', 'run_1', startOfDay), ...changes },
    tenant: tenantOf(settings),
    runs,
    failures,
    files: office.files,
    path,
    date: startOfDay,
  })
  const reader = await office.files.openRead(path)
  const raw = await reader.read(0, reader.size)
  await reader.close()
  return { raw: new TextDecoder('latin1').decode(raw), mail: await readMail(raw) }
}

async function withReport(rows: number, changes: Partial<Run> = {}): Promise<Run> {
  const run = runOf('run_1', changes)
  run.reportPath = reportPath(run)
  await putFile(office.files, run.reportPath, report(rows))
  return run
}

describe('compose()', () => {
  test('takes From and To from the two settings and names the file and the figures', async () => {
    const { mail, raw } = await composed([await withReport(12)])
    expect(mail.from).toBe('admin@maple.example')
    expect(mail.to).toEqual(['it@maple.example', 'hr@maple.example'])
    expect(mail.subject).toBe('users.csv: 12 of 4,310 rows failed')
    expect(mail.messageId).toBe('<mai_1@rosterdrop.example>')
    expect(mail.date).toBe(startOfDay)
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(raw).toMatch(/^Reply-To: admin@maple\.example\r$/m)
    expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  test('says client, times with zone, counts, commonest reason first, what was assumed, what to do', async () => {
    const { mail } = await composed([await withReport(12)])
    const text = mail.text.replace(/\s+/g, ' ')
    for (const part of [
      'Client: Maple <College>',
      'Size: 812.3 kB',
      'Received: 2026-11-24 03:30:00 EST by SFTP from maple',
      'Created: 4,000',
      'Failed: 12',
      'Encoding: windows-1252',
      'Delimiter: semicolon',
      'Ignored columns: "shoe size"',
      'What to do next: open the report',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).toMatch(
      /9019 email must be unique, 9 rows, such as line 4: Email "ann@x.example" belongs .* 9016 email required, 3 rows, such as line 17: Email is required/,
    )
  })

  test('escapes what files bring in HTML, and loads nothing from outside', async () => {
    const { mail } = await composed([await withReport(12)])
    expect(mail.html).toContain('Maple &lt;College&gt;')
    expect(mail.html).toContain('ann@x.example&lt;script&gt;')
    expect(mail.html).not.toMatch(/<script|src=|href=|url\(|@import/i)
  })

  test('attaches the failure report byte by byte under its own name', async () => {
    const run = await withReport(12, { filename: 'été "q".csv' })
    const { mail } = await composed([run])
    expect(mail.attachments).toHaveLength(1)
    const [attached] = mail.attachments
    expect(attached?.filename).toMatch(/^été "q"\.failed-20261124T083000Z-/)
    expect(attached?.contentType).toBe('text/csv')
    expect(Buffer.from(attached?.content ?? []).toString()).toBe(report(12))
  })

  test('attaches the first 20,000 rows of a longer report, says so, and names the whole file', async () => {
    const run = await withReport(20_003)
    run.counts.failed = 20_003
    const { mail } = await composed([run])
    const attached = Buffer.from(mail.attachments[0]?.content ?? []).toString()
    expect(attached).toBe(report(20_000))
    expect(mail.text.replace(/\s+/g, ' ')).toContain(
      'Only the first 20,000 of 20,003 failed rows are attached. The whole report lies in the folder failed/',
    )
    expect(mail.text).toContain('users.failed-20261124T083000Z-run_1.csv'.slice(0, 20))
  })

  test('attaches whole rows of at most 10 MB', async () => {
    const wide = `"${'x'.repeat(60_000)}"`
    const run = runOf('run_1')
    run.reportPath = reportPath(run)
    const text = `\uFEFF"a"\r\n${`${wide}\r\n`.repeat(200)}`
    await putFile(office.files, run.reportPath, text)
    const { mail } = await composed([run])
    const size = mail.attachments[0]?.content.length ?? 0
    expect(size).toBeLessThanOrEqual(10_000_000)
    expect(size).toBeGreaterThan(9_900_000)
    expect((size - 8) % 60_004).toBe(0)
  })

  test('tells several runs in one mail, each with its report', async () => {
    const first = await withReport(12)
    const second = runOf('run_2', { filename: 'staff.csv' })
    second.reportPath = reportPath(second)
    await putFile(office.files, second.reportPath, report(2))
    const { mail } = await composed([first, second])
    expect(mail.subject).toBe('2 files: 24 of 8,620 rows failed')
    expect(mail.attachments.map(({ filename }) => filename.split('.')[0])).toEqual([
      'users',
      'staff',
    ])
  })

  test('attaches the small reports of a mail before it fills up with the first part of a huge one', async () => {
    const huge = runOf('run_1', { filename: 'huge.csv' })
    huge.counts.failed = 20_000
    huge.reportPath = reportPath(huge)
    await putFile(
      office.files,
      huge.reportPath,
      `"a"\r\n${`"${'x'.repeat(1000)}"\r\n`.repeat(11_000)}`,
    )
    const small = runOf('run_2', { filename: 'small.csv' })
    small.reportPath = reportPath(small)
    await putFile(office.files, small.reportPath, report(2))
    const { mail } = await composed([huge, small])
    expect(mail.attachments.map(({ filename }) => filename.split('.')[0])).toEqual([
      'huge',
      'small',
    ])
    expect(Buffer.from(mail.attachments[1]?.content ?? []).toString()).toBe(report(2))
    expect(mail.text).toContain('Only the first')
    const total = mail.attachments.reduce((sum, { content }) => sum + content.length, 0)
    expect(total).toBeLessThanOrEqual(10_000_000)
  })

  test.each(mailKinds)('writes a mail of kind %s with and without a run', async (kind) => {
    const run = runOf('run_1', {
      fileReason: { code: 9102, sentence: 'The file has no identifying column' },
    })
    const about = await composed([run], { kind })
    expect(about.mail.subject).toMatch(/^users\.csv: ./)
    expect(about.mail.text).toContain('9102')
    const alone = await composed([], { kind, runId: null })
    expect(alone.mail.subject).toMatch(/^Maple <College>: ./)
    expect(alone.mail.text.length).toBeGreaterThan(100)
  })

  test('keeps a subject that was given, on one line', async () => {
    const { mail, raw } = await composed([], {
      kind: 'incomplete',
      runId: null,
      subject: 'users.csv: cut\r\nBcc: stranger@example.com',
    })
    expect(mail.subject).toContain('users.csv: cut')
    expect(raw).not.toMatch(/^Bcc:/im)
  })

  test.each([
    { replyTo: 'admin@maple.example\r\nBcc: stranger@example.com' },
    { failedImportEmail: ['it@maple.example, stranger@example.com'] },
    { failedImportEmail: [] },
    { replyTo: null },
  ])('refuses the settings %j and keeps nothing', async (settings) => {
    await expect(composed([runOf('run_1')], {}, settings)).rejects.toThrow(/^Cannot /)
    expect(await office.files.stat(path)).toBeUndefined()
  })
})
