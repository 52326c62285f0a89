import { parse } from 'csv-parse/sync'
import type { Run } from '../domain/run.ts'
import type { FileStore } from '../domain/storage.ts'
import { readMail } from '../mail/read.ts'
import type { DemoLogin } from './demo-clients.ts'

type Say = (text: string) => unknown

const shownRows = 4

/** The counts of a run. */
export function printRun(say: Say, run: Pick<Run, 'id' | 'state' | 'counts'>): void {
  const { rows, created, updated, unchanged, skipped, failed } = run.counts
  say(`   ${run.state}: ${rows} rows = ${created} created + ${updated} updated`)
  say(`   + ${unchanged} unchanged + ${skipped} skipped + ${failed} failed (${run.id})\n`)
}

/** The mail as its receiver gets it: read back from the composed message. */
export async function printMail(say: Say, path: string, files: FileStore): Promise<void> {
  const reader = await files.openRead(path)
  const mail = await readMail(await reader.read(0, reader.size))
  await reader.close()
  const attachment = mail.attachments[0]
  if (attachment === undefined) throw new Error('the failure mail has no attachment')
  say(`   From:       ${mail.from}`)
  say(`   To:         ${mail.to.join(', ')}`)
  say(`   Subject:    ${mail.subject}`)
  say(`   Attachment: ${attachment.filename} (${attachment.content.length} bytes)`)
  for (const { line, codes, reason } of failedRows(attachment.content).slice(0, shownRows)) {
    say(`   - line ${line} (${codes}): ${reason}`)
  }
  say('')
}

/** The first columns of a failure report, which are ours: line, codes, fields, reason. */
function failedRows(report: Uint8Array): { line: string; codes: string; reason: string }[] {
  const [, ...records]: string[][] = parse(report, { bom: true, relax_column_count: true })
  return records.map(([line = '', codes = '', , reason = '']) => ({ line, codes, reason }))
}

/** The archived files and the report. */
export function printBak(say: Say, files: { path: string; size: number }[]): void {
  for (const { path, size } of files) say(`   ${path} (${size} bytes)`)
  say('')
}

/** The lines to try it oneself. */
export function printTryIt(say: Say, { name, password, server }: DemoLogin, token: string): void {
  const { sftpPort, ftpsPort, httpPort } = server
  say('Try it yourself:')
  say(`   login ${name}, password ${password}, host key ${server.hostKeyFingerprint}`)
  say(`   sftp -P ${sftpPort} ${name}@127.0.0.1`)
  say(
    `   lftp -u ${name},${password} -e 'set ssl:verify-certificate no; put examples/users.csv; ls' \\`,
  )
  say(`     -p ${ftpsPort} 127.0.0.1`)
  say(
    `   curl --ssl-reqd -k -u ${name}:${password} -T examples/users.csv ftp://127.0.0.1:${ftpsPort}/`,
  )
  say(`   curl -H 'Authorization: Bearer ${token}' 'http://127.0.0.1:${httpPort}/imports?limit=5'`)
}
