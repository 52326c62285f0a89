import { html } from 'hono/html'
import type { Context } from 'hono'
import type { Account } from '../../src/domain/account.ts'
import { icon } from './icon.ts'
import { hostOf } from './origin.ts'
import type { Html } from './page.ts'

/** Where clients reach the drop folders; the roof knows it once the listeners are up. */
export interface Doors {
  /** Name that clients use; null: the one that the browser uses. */
  host: string | null
  sftpPort: number
  ftpsPort: number
  ftpsImplicitPort: number
  hostKeyFingerprint: string
}

/** Lines to copy for the programs that clients use. */
export function connectLines(
  context: Context,
  doors: Doors,
  { name, protocols }: Pick<Account, 'name' | 'protocols'>,
): Html {
  const host = doors.host ?? hostOf(context).replace(/:\d+$/, '')
  const sftp = protocols.includes('sftp')
  const ftps = protocols.includes('ftps')
  const { sftpPort, ftpsPort } = doors
  const user = encodeURIComponent(name)
  const quoted = /^[\w.@-]+$/.test(name) ? name : `'${name}'`
  const lines: [program: string, line: string, hint: string][] = [
    ...(sftp
      ? ([
          [
            'FileZilla',
            `sftp://${user}@${host}:${sftpPort}`,
            'Paste it as the host, then Quickconnect',
          ],
          [
            'WinSCP',
            `sftp://${user}@${host}:${sftpPort}/`,
            'Paste it as the host name of a new site',
          ],
          ['OpenSSH', `sftp -P ${sftpPort} ${quoted}@${host}`, 'Then: put users.csv'],
          ['lftp', `lftp -u ${quoted} sftp://${host}:${sftpPort} -e 'put users.csv; bye'`, ''],
        ] satisfies [string, string, string][])
      : []),
    ...(ftps
      ? ([
          ...(sftp
            ? []
            : ([
                [
                  'FileZilla, WinSCP',
                  `ftpes://${user}@${host}:${ftpsPort}`,
                  'Paste it as the host',
                ],
                [
                  'lftp',
                  `lftp -u ${quoted} -p ${ftpsPort} ${host} -e 'set ftp:ssl-force yes; put users.csv; bye'`,
                  '',
                ],
              ] satisfies [string, string, string][])),
          [
            'curl',
            `curl --ssl-reqd -u ${quoted} -T users.csv ftp://${host}:${ftpsPort}/`,
            'Add -k while the certificate is signed by itself',
          ],
        ] satisfies [string, string, string][])
      : []),
  ]
  return html`<div class="fields">
    ${lines.map(([program, line, hint], at) => copyLine({ id: `line-${at}`, label: program, text: line, hint }))}
    ${
      sftp
        ? copyLine({
            id: 'fingerprint',
            label: 'Host key of SFTP',
            text: doors.hostKeyFingerprint,
            hint: 'The program shows it at the first connection: it must be this one',
          })
        : ''
    }
  </div>`
}

/** A line with a button that copies it. */
export function copyLine(line: {
  id: string
  label: string
  text: string
  hint?: string
  secret?: boolean
}): Html {
  const { id, label, text, hint = '', secret = false } = line
  return html`<div class="field">
    <span class="label">${label}</span>
    <div class="copy">
      <code id="${id}" class="${secret ? 'secret' : ''}" tabindex="0">${text}</code>
      <button type="button" data-copy="${id}" aria-label="Copy: ${label}">
        ${icon('copy')}<span>Copy</span>
      </button>
    </div>
    ${hint === '' ? '' : html`<p class="hint">${hint}</p>`}
  </div>`
}
