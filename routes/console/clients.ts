import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import type { RunStore, TenantStore } from '../../src/domain/state.ts'
import { missingSettings } from '../../src/domain/tenant.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Html } from './page.ts'
import { pill, statePill } from './state-pill.ts'
import { ago } from './time.ts'

// A client more costs one look-up by an index.
const mostShown = 500

/** All clients, for agents: who is ready, and what came last. */
export function clientList(options: {
  runs: Pick<RunStore, 'list'>
  tenants: Pick<TenantStore, 'list'>
  clock: Clock
}): ConsolePage[] {
  const { runs, tenants, clock } = options

  return [
    page('GET /console/clients', async (visit) => {
      const wanted = visit.query('name').trim().toLowerCase()
      const all = await tenants.list()
      const found = all.filter(({ name }) => name.toLowerCase().includes(wanted))
      const shown = found.toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, mostShown)
      const now = clock.now()
      const rows: Html[] = []
      for (const tenant of shown) {
        const [last] = await runs.list({ tenantId: tenant.id, limit: 1 })
        const missing = missingSettings(tenant)
        rows.push(
          html`<tr>
            <th scope="row"><a href="${clientPath(tenant.id)}">${tenant.name}</a></th>
            <td>
              ${
                missing.length === 0
                  ? pill({ label: 'Ready', tone: 'ok', icon: 'check' })
                  : pill({ label: `Lacks ${missing.join(', ')}`, tone: 'warn', icon: 'warn' })
              }
            </td>
            <td>
              ${
                last === undefined
                  ? html`<span class="muted">No file yet</span>`
                  : html`${statePill(last)}`
              }
            </td>
            <td>
              ${
                last === undefined
                  ? ''
                  : html`<a href="/console/imports/${last.id}"
                      >${ago(last.createdAt, { now, timeZone: tenant.settings.timeZone })}</a
                    >`
              }
            </td>
          </tr>`,
        )
      }
      const body = html`<div class="head">
          <div class="head-text">
            <h1>Clients</h1>
            <p>Each has its own drop folder, users and mail settings.</p>
          </div>
          <div class="actions">
            <a class="button primary" href="/console/new-client">Make a client</a>
          </div>
        </div>
        <form class="filters" method="get" role="search">
          <div class="field wide">
            <label for="name">Name</label>
            <input id="name" name="name" type="search" value="${visit.query('name')}" />
          </div>
          <div class="actions"><button type="submit">${icon('search')}Find</button></div>
        </form>
        ${
          shown.length === 0
            ? html`<div class="card empty">
                <h2>${all.length === 0 ? 'No client yet' : 'No client has this name'}</h2>
                <p>One page makes a client, its login and its mail settings.</p>
              </div>`
            : html`<div class="scroll" role="region" aria-label="Clients" tabindex="0">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Client</th>
                      <th scope="col">Mail settings</th>
                      <th scope="col">Last file</th>
                      <th scope="col">When</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${rows}
                  </tbody>
                </table>
              </div>`
        }
        ${
          found.length > shown.length
            ? html`<p class="muted">${found.length - shown.length} more: search by name.</p>`
            : ''
        }`
      return { title: 'Clients', body }
    }),
  ]
}
