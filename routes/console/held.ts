import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import type { RunStore, TenantStore } from '../../src/domain/state.ts'
import { tenantFor } from '../auth.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Html } from './page.ts'
import { runButtons } from './run-buttons.ts'
import { ago } from './time.ts'

const mostShown = 100

/** Imports that wait for a person: what each would deactivate, and the two answers. */
export function heldImports(options: {
  runs: Pick<RunStore, 'list'>
  tenants: Pick<TenantStore, 'get'>
  clock: Clock
}): ConsolePage[] {
  const { runs, tenants, clock } = options

  return [
    page('GET /console/held', async (visit) => {
      const own =
        visit.caller.scope === 'operator' ? {} : { tenantId: tenantFor(visit.caller, undefined) }
      const held = await runs.list({ states: ['held'], limit: mostShown, ...own })
      const writes = visit.caller.scope !== 'monitor'
      const now = clock.now()
      const cards: Html[] = []
      for (const run of held) {
        const tenant = await tenants.get(run.tenantId)
        const timeZone = tenant?.settings.timeZone ?? 'UTC'
        cards.push(
          html`<section class="card" aria-label="${run.filename}">
            <div class="head">
              <div class="head-text">
                <h2><a href="/console/imports/${run.id}">${run.filename}</a></h2>
                <p class="small">
                  ${tenant?.name ?? ''} · ${ago(run.createdAt, { now, timeZone })}
                </p>
              </div>
              ${writes ? runButtons(run) : ''}
            </div>
            <p class="banner warn">
              ${icon('hand')} <span>${run.fileReason?.sentence ?? 'Waiting for approval'}.</span>
            </p>
            <p><a href="/console/imports/${run.id}">Who would be deactivated</a></p>
          </section>`,
        )
      }
      const body = html`<div class="head">
          <div class="head-text">
            <h1>Held</h1>
            <p>
              Full files that would deactivate more users than the client allows. Nothing is written
              until they are approved; after 72 hours they are rejected.
            </p>
          </div>
        </div>
        <div id="held" data-live class="stack">
          ${
            cards.length === 0
              ? html`<div class="card empty">
                  <p class="empty-mark">${icon('check')}</p>
                  <h2>Nothing is held</h2>
                  <p>Files that need a person show up here.</p>
                </div>`
              : cards
          }
        </div>`
      return { title: 'Held', body, liveMs: 5_000, liveEvents: '/console/events' }
    }),
  ]
}
