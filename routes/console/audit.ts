import { html } from 'hono/html'
import { oneLine, size } from '../../src/domain/figures.ts'
import type { AuditEvent, AuditStore } from '../../src/domain/state.ts'
import type { Operations } from '../operations.ts'
import { clientOf } from './client.ts'
import { page } from './page.ts'
import type { ConsolePage, Html, Visit } from './page.ts'
import { fullTime } from './time.ts'

const perPage = 100

/** What each event of the audit is in words. */
const eventNames: Readonly<Record<AuditEvent, string>> = {
  AUTH_FAILURE: 'Login refused',
  CONNECTED: 'Logged in',
  DISCONNECTED: 'Left',
  OPEN: 'File opened',
  CLOSE: 'File complete',
  PARTIAL_CLOSE: 'File cut',
  RENAME: 'Renamed',
  DELETE: 'Deleted',
  SETTINGS: 'Settings',
  RUN: 'Import',
}

/** Who did what, from where: of one client, or for agents of all. */
export function auditPages(options: {
  operations: Operations
  audit: Pick<AuditStore, 'list'>
}): ConsolePage[] {
  const { operations, audit } = options

  async function entries(visit: Visit, of: { tenantId?: string; timeZone: string }): Promise<Html> {
    const before = visit.query('before')
    const found = await audit.list({
      limit: perPage + 1,
      ...(of.tenantId === undefined ? {} : { tenantId: of.tenantId }),
      ...(/^\d{1,15}$/.test(before) ? { before: Number(before) } : {}),
    })
    const shown = found.slice(0, perPage)
    const last = found.length > perPage ? shown.at(-1) : undefined
    return html`<div class="head">
        <div class="head-text">
          <h1>Audit</h1>
          <p>Who did what, from where. Nobody can change it.</p>
        </div>
      </div>
      ${
        shown.length === 0
          ? html`<p class="muted">Nothing yet.</p>`
          : html`<div class="scroll" role="region" aria-label="Audit" tabindex="0">
              <table>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">What</th>
                    <th scope="col">Who</th>
                    <th scope="col">From</th>
                    <th scope="col">Of what</th>
                  </tr>
                </thead>
                <tbody>
                  ${shown.map(
                    (entry) =>
                      html`<tr>
                        <td class="nowrap">${fullTime(entry.at, of.timeZone)}</td>
                        <td>
                          ${eventNames[entry.event]}${
                            entry.detail === null
                              ? ''
                              : html`<br /><span class="muted small"
                                    >${oneLine(entry.detail, 200)}</span
                                  >`
                          }
                        </td>
                        <td>${entry.actor ?? '–'}</td>
                        <td>
                          ${entry.address ?? '–'}<br /><span class="muted small"
                            >${[entry.protocol, entry.clientVersion].filter((one) => one !== null).join(' · ')}</span
                          >
                        </td>
                        <td>
                          ${
                            entry.path === null
                              ? ''
                              : entry.path.startsWith('run_')
                                ? html`<a href="/console/imports/${entry.path}">the import</a>`
                                : oneLine(entry.path, 120)
                          }${
                            entry.bytes === null
                              ? ''
                              : html` <span class="muted small">${size(entry.bytes)}</span>`
                          }
                        </td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
      ${
        last === undefined && before === ''
          ? ''
          : html`<nav class="pager" aria-label="Pages">
              ${before === '' ? html`<span></span>` : html`<a class="button" href="?">Newest</a>`}
              ${last === undefined ? '' : html`<a class="button" href="?before=${last.seq}">Older</a>`}
            </nav>`
      }`
  }

  return [
    page('GET /console/clients/:tenant/audit', async (visit) => {
      const tenant = await clientOf(visit, operations.tenants)
      const { timeZone } = tenant.settings
      const body = await entries(visit, { tenantId: tenant.id, timeZone })
      return { title: 'Audit', tenantId: tenant.id, body }
    }),
    page('GET /console/server/audit', async (visit) => ({
      title: 'Audit',
      body: await entries(visit, { timeZone: 'UTC' }),
    })),
  ]
}
