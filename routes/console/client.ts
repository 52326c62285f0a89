import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { counted, figure } from '../../src/domain/figures.ts'
import { nextState } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { AccountStore, DayFigures, RunStore } from '../../src/domain/state.ts'
import { missingSettings } from '../../src/domain/tenant.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { tenantFor } from '../auth.ts'
import type { TenantOperations } from '../tenant-operations.ts'
import { dayChart } from './chart.ts'
import { connectLines } from './doors.ts'
import type { Doors } from './doors.ts'
import { inWords } from './fields.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Html, Visit } from './page.ts'
import { isActive, runRow } from './run-row.ts'
import { ago } from './time.ts'

const chartDays = 30
const shownRuns = 6
// Clients that are looked at at once; each is 30 lines of figures.
const mostKept = 200
const dayMs = 86_400_000
const activeMs = 1_500
const quietMs = 5_000

/** The client that a page is about. Throws `not_found` for one that is not the visitor's. */
export async function clientOf(
  visit: Visit,
  tenants: Pick<TenantOperations, 'find'>,
): Promise<Tenant> {
  return tenants.find(tenantFor(visit.caller, visit.param('tenant')))
}

/** A client at a glance: what came, how many rows a day, and how to connect. */
export function clientOverview(options: {
  tenants: Pick<TenantOperations, 'find'>
  runs: Pick<RunStore, 'list' | 'perDay'>
  accounts: Pick<AccountStore, 'list'>
  doors: () => Doors
  clock: Clock
}): ConsolePage[] {
  const { tenants, runs, accounts, doors, clock } = options
  const kept = new Map<string, { of: string; figures: DayFigures[] }>()

  /** Adding a month up takes longer than all the rest of the page: it is done again when the newest run has changed. */
  async function figuresOf(
    tenantId: string,
    newest: Run | undefined,
    now: number,
  ): Promise<DayFigures[]> {
    const of = `${newest?.id} ${newest?.version} ${Math.floor(now / dayMs)}`
    const known = kept.get(tenantId)
    if (known?.of === of) return known.figures
    const figures = await runs.perDay(tenantId, now - chartDays * dayMs)
    const [oldest] = kept.keys()
    if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest)
    kept.set(tenantId, { of, figures })
    return figures
  }

  return [
    page('GET /console/clients/:tenant', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const now = clock.now()
      const recent = await runs.list({ tenantId: tenant.id, limit: shownRuns })
      const days = await figuresOf(tenant.id, recent[0], now)
      const logins = await accounts.list(tenant.id)
      const body = html`<div class="head">
          <div class="head-text"><h1>Overview</h1></div>
          <div class="actions">
            <a class="button primary" href="${clientPath(tenant.id, '/drop')}"
              >${icon('up')}Drop a file</a
            >
          </div>
        </div>
        ${missingBanner(tenant)}
        <div id="recent" data-live class="stack">
          ${firstFile(recent, { now, tenant })}
          ${recent.length === 0 ? '' : tiles(recent, days, { now, tenant })}
        </div>
        ${
          days.length === 0
            ? ''
            : html`<section class="card">
                <h2>
                  Rows and failures a day <span class="muted small">${chartDays} days, UTC</span>
                </h2>
                ${dayChart(days, { now, days: chartDays })}
                <p class="small muted">
                  <span class="key rows"></span>Imported <span class="key failures"></span>Failed
                </p>
              </section>`
        }
        <div class="columns even">
          <section class="stack">
            <h2>Latest files</h2>
            ${
              recent.length === 0
                ? html`<p class="muted">None yet.</p>`
                : html`<div id="latest" data-live>
                      <ul class="runs compact" aria-label="Latest files">
                        ${recent.map((run) => runRow(run, { now, timeZone: tenant.settings.timeZone }))}
                      </ul>
                    </div>
                    <p>
                      <a
                        href="/console/imports${visit.caller.scope === 'operator' ? `?client=${tenant.id}` : ''}"
                        >All imports</a
                      >
                    </p>`
            }
          </section>
          <section class="card">
            <h2>How to connect</h2>
            ${
              logins[0] === undefined
                ? html`<p class="muted">There is no login yet.</p>
                    <p>
                      <a class="button" href="${clientPath(tenant.id, '/accounts')}"
                        >Make a login</a
                      >
                    </p>`
                : html`<p class="muted">
                      As
                      <strong>${logins[0].name}</strong
                      >${logins.length > 1 ? html`, or another of <a href="${clientPath(tenant.id, '/accounts')}">${counted(logins.length, 'login')}</a>` : ''}.
                    </p>
                    ${connectLines(visit.context, doors(), logins[0])}`
            }
          </section>
        </div>`
      return {
        title: tenant.name,
        tenantId: tenant.id,
        body,
        liveMs: recent.some(isActive) ? activeMs : quietMs,
        liveEvents: '/console/events',
      }
    }),
  ]
}

/** What the client still lacks before mails can be sent. */
function missingBanner(tenant: Tenant): Html | '' {
  const missing = missingSettings(tenant)
  if (missing.length === 0) return ''
  return html`<p class="banner warn">
    ${icon('mail')}
    <span
      >No mail can be sent without ${inWords(missing)}.
      <a href="${clientPath(tenant.id, '/settings')}">Set it</a></span
    >
  </p>`
}

/** "Waiting for your first file", which turns green by itself when it is there. */
export function firstFile(
  recent: readonly Run[],
  { now, tenant }: { now: number; tenant: Tenant },
): Html | '' {
  if (recent.length > 1) return ''
  const [run] = recent
  if (run === undefined) {
    return html`<section class="card waiting" role="status">
      <h2>Waiting for the first file</h2>
      <progress aria-label="Waiting for the first file"></progress>
      <p class="muted">
        Drop a CSV with one of the programs below, or
        <a href="${clientPath(tenant.id, '/drop')}">here in the browser</a>. This turns green by
        itself.
      </p>
    </section>`
  }
  if (isActive(run)) return ''
  return html`<p class="banner ok" role="status">
    ${icon('check')}
    <span
      >The first file has arrived: <a href="/console/imports/${run.id}">${run.filename}</a>,
      ${counted(run.counts.rows, 'row')},
      ${ago(run.createdAt, { now, timeZone: tenant.settings.timeZone })}.</span
    >
  </p>`
}

function tiles(
  recent: readonly Run[],
  days: readonly DayFigures[],
  { now, tenant }: { now: number; tenant: Tenant },
): Html {
  const rows = days.reduce((sum, day) => sum + day.rows, 0)
  const failed = days.reduce((sum, day) => sum + day.failed, 0)
  const files = days.reduce((sum, day) => sum + day.runs, 0)
  const held = recent.filter(({ state }) => nextState(state, 'approve') !== undefined).length
  const [last] = recent
  return html`<dl class="tiles">
    <div class="tile">
      <dt>Last file</dt>
      <dd>
        ${last === undefined ? '–' : ago(last.createdAt, { now, timeZone: tenant.settings.timeZone })}
      </dd>
    </div>
    <div class="tile">
      <dt>Files in ${chartDays} days</dt>
      <dd>${figure(files)}</dd>
    </div>
    <div class="tile">
      <dt>Rows</dt>
      <dd>${figure(rows)}</dd>
    </div>
    <div class="tile">
      <dt>Failed rows</dt>
      <dd>${figure(failed)}</dd>
    </div>
    ${
      held === 0
        ? ''
        : html`<div class="tile">
            <dt>Held</dt>
            <dd><a href="/console/held">${figure(held)}</a></dd>
          </div>`
    }
  </dl>`
}
