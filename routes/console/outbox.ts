import { html } from 'hono/html'
import { AppError, isAppError } from '../../src/domain/error.ts'
import { size } from '../../src/domain/figures.ts'
import type { OutboxMail, OutboxStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { Operations } from '../operations.ts'
import { attachment } from '../send-file.ts'
import { clientOf } from './client.ts'
import { clientEvents, clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { mailNames, mailPill } from './mail-list.ts'
import { page } from './page.ts'
import type { ConsolePage, Html, Visit } from './page.ts'
import { fullTime } from './time.ts'

/** A stored message as its reader sees it. */
export interface ShownMail {
  from: string
  to: string[]
  subject: string
  text: string
  html: string
  attachments: { filename: string; contentType: string; content: Uint8Array }[]
}

const mostListed = 200
// Messages have attachments of 10 MB at most (spec/file-format.md section 8).
const maxMailBytes = 32 * 1024 * 1024

// The stored markup is ours, but it quotes files: it may show itself and do nothing else.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

/** The mails of a client, each as it was sent. */
export function outboxPages(options: {
  operations: Operations
  outbox: Pick<OutboxStore, 'list' | 'get'>
  files: Pick<FileStore, 'openRead'>
  readMail: (bytes: Uint8Array) => Promise<ShownMail>
}): ConsolePage[] {
  const { operations, outbox } = options
  const { tenants } = operations

  async function mailOf(visit: Visit, tenant: Tenant): Promise<OutboxMail> {
    const mail = await outbox.get(visit.param('id'))
    if (mail?.tenantId === tenant.id) return mail
    throw new AppError('not_found', 'There is no mail of this id')
  }

  async function message(mail: OutboxMail): Promise<ShownMail | undefined> {
    if (mail.path === null) return undefined
    try {
      const reader = await options.files.openRead(mail.path)
      try {
        const bytes = new Uint8Array(Math.min(reader.size, maxMailBytes))
        for (let at = 0; at < bytes.length;) {
          const piece = await reader.read(at, bytes.length - at)
          if (piece.length === 0) break
          bytes.set(piece, at)
          at += piece.length
        }
        return await options.readMail(bytes)
      } finally {
        await reader.close()
      }
    } catch (error) {
      if (isAppError(error, 'not_found')) return undefined
      throw error
    }
  }

  return [
    page('GET /console/clients/:tenant/outbox', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const mails = await outbox.list(tenant.id, mostListed)
      return {
        title: 'Outbox',
        tenantId: tenant.id,
        body: listBody(tenant, mails),
        liveMs: 3_000,
        liveEvents: clientEvents(tenant.id, 'outbox'),
      }
    }),

    page('GET /console/clients/:tenant/outbox/:id', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const mail = await mailOf(visit, tenant)
      const shown = await message(mail)
      const title = shown?.subject ?? mail.subject ?? mailNames[mail.kind]
      return { title, tenantId: tenant.id, body: mailBody(tenant, mail, shown, title) }
    }),

    page('GET /console/clients/:tenant/outbox/:id/message', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const shown = await message(await mailOf(visit, tenant))
      visit.context.header('content-security-policy', mailPolicy)
      const markup = shown?.html ?? ''
      return visit.context.body(markup, 200, { 'content-type': 'text/html; charset=utf-8' })
    }),

    page('GET /console/clients/:tenant/outbox/:id/attachments/:at', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const shown = await message(await mailOf(visit, tenant))
      const file = shown?.attachments[Number(visit.param('at'))]
      if (file === undefined) throw new AppError('not_found', 'The mail has no such attachment')
      return visit.context.body(new Uint8Array(file.content), 200, {
        'content-type': 'application/octet-stream',
        'content-disposition': attachment(file.filename),
      })
    }),
  ]
}

function listBody(tenant: Tenant, mails: readonly OutboxMail[]): Html {
  const { timeZone } = tenant.settings
  return html`<div class="head">
      <div class="head-text">
        <h1>Outbox</h1>
        <p>Every mail to this client, as it was sent, with the mail server's answer.</p>
      </div>
      <div class="actions">
        <form method="post" action="${clientPath(tenant.id, '/test-mail')}">
          <button type="submit">${icon('mail')}Send a test mail</button>
        </form>
      </div>
    </div>
    <div id="mails" data-live>
      ${
        mails.length === 0
          ? html`<div class="card empty">
              <p class="empty-mark">${icon('mail')}</p>
              <h2>No mail yet</h2>
              <p>The first one goes out when a row fails, or when you send a test mail.</p>
            </div>`
          : html`<div class="scroll" role="region" aria-label="Mails" tabindex="0">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Subject</th>
                    <th scope="col">About</th>
                    <th scope="col">State</th>
                    <th scope="col">Answer</th>
                    <th scope="col">When</th>
                  </tr>
                </thead>
                <tbody>
                  ${mails.map(
                    (mail) =>
                      html`<tr>
                        <th scope="row">
                          <a href="${clientPath(tenant.id, `/outbox/${mail.id}`)}"
                            >${mail.subject ?? mailNames[mail.kind]}</a
                          >
                        </th>
                        <td>${mailNames[mail.kind]}</td>
                        <td>${mailPill(mail)}</td>
                        <td><span class="small muted">${mail.lastAnswer ?? ''}</span></td>
                        <td class="nowrap">${fullTime(mail.sentAt ?? mail.createdAt, timeZone)}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
    </div>`
}

function mailBody(
  tenant: Tenant,
  mail: OutboxMail,
  shown: ShownMail | undefined,
  title: string,
): Html {
  const path = clientPath(tenant.id, `/outbox/${mail.id}`)
  const facts: [string, Html | string][] = [
    ['From', shown?.from ?? '–'],
    ['To', shown?.to.join(', ') ?? '–'],
    ['When', fullTime(mail.sentAt ?? mail.createdAt, tenant.settings.timeZone)],
    ['Tries', String(mail.attempts)],
    ...(mail.lastAnswer === null
      ? []
      : [['Answer', html`<code>${mail.lastAnswer}</code>`] satisfies [string, Html]]),
    ...(mail.runId === null
      ? []
      : [
          ['Import', html`<a href="/console/imports/${mail.runId}">Show the import</a>`] satisfies [
            string,
            Html,
          ],
        ]),
    ['Message-ID', html`<code>${mail.messageId}</code>`],
  ]
  return html`<div class="head">
      <div class="head-text">
        <p class="crumbs"><a href="${clientPath(tenant.id, '/outbox')}">Outbox</a></p>
        <div class="title-row">
          <h1>${title}</h1>
          ${mailPill(mail)}
        </div>
      </div>
    </div>
    <section class="card">
      <dl class="facts">
        ${facts.map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
        )}
      </dl>
      ${
        shown === undefined || shown.attachments.length === 0
          ? ''
          : html`<div class="actions">
              ${shown.attachments.map(
                ({ filename, content }, at) =>
                  html`<a class="button" href="${path}/attachments/${at}" download
                    >${icon('down')}${filename}
                    <span class="muted small">${size(content.length)}</span></a
                  >`,
              )}
            </div>`
      }
    </section>
    ${
      shown === undefined
        ? html`<p class="muted">The message is not composed yet, or is past its time.</p>`
        : shown.html === ''
          ? html`<section class="card"><pre class="text">${shown.text}</pre></section>`
          : html`<section class="card">
              <h2>As it was sent</h2>
              <iframe
                class="mail-frame"
                src="${path}/message"
                sandbox
                title="The mail as it was sent"
              ></iframe>
              <details>
                <summary>As plain text</summary>
                <pre class="text">${shown.text}</pre>
              </details>
            </section>`
    }`
}
