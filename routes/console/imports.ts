import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { isId } from '../../src/domain/id.ts'
import { runSources, runStates } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { RunFilter, RunStore, TenantStore } from '../../src/domain/state.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { tenantFor } from '../auth.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Html, Visit } from './page.ts'
import { isActive, runRow, sourceNames } from './run-row.ts'
import { stateLooks } from './state-pill.ts'

const perPage = 50
// Fast enough to watch, and a second of a page's 5 ms costs nothing; slower when nothing moves.
const activeMs = 1_500
const quietMs = 10_000

/** The list of imports, live: newest first, by client, state, source and file name. */
export function importList(options: {
  runs: Pick<RunStore, 'list'>
  tenants: Pick<TenantStore, 'list' | 'get'>
  clock: Clock
}): ConsolePage[] {
  const { runs, tenants, clock } = options

  return [
    page('GET /console/imports', async (visit) => {
      const filter = filterOf(visit)
      const found = await runs.list({ ...filter, limit: perPage + 1 })
      const known = await tenantsOf(visit, tenants)
      const names = new Map(known.map(({ id, name }) => [id, name]))
      const zones = new Map(known.map(({ id, settings }) => [id, settings.timeZone]))
      const shown = found.slice(0, perPage)
      const now = clock.now()
      const several = visit.caller.scope === 'operator'
      const rows = shown.map((run) =>
        runRow(run, {
          now,
          timeZone: zones.get(run.tenantId) ?? 'UTC',
          clientName: several ? names.get(run.tenantId) : undefined,
        }),
      )
      const last = found.length > perPage ? shown.at(-1) : undefined
      const body = html`<div class="head">
          <div class="head-text">
            <h1>Imports</h1>
            <p>Every file that was dropped, newest first.</p>
          </div>
          ${actions(visit, known)}
        </div>
        ${filters(visit, known)}
        <div id="runs" data-live>
          ${
            shown.length === 0
              ? emptyState(visit, known)
              : html`<ul class="runs" aria-label="Imports">
                  ${rows}
                </ul>`
          }
        </div>
        ${pager(visit, last)}`
      const liveMs = shown.some(isActive) ? activeMs : quietMs
      return {
        title: 'Imports',
        body,
        ...(filter.before === undefined ? { liveMs, liveEvents: '/console/events' } : {}),
      }
    }),
  ]
}

async function tenantsOf(
  { caller }: Visit,
  tenants: Pick<TenantStore, 'list' | 'get'>,
): Promise<Tenant[]> {
  if (caller.scope === 'operator') return tenants.list()
  const own = await tenants.get(caller.tenantId ?? '')
  return own === undefined ? [] : [own]
}

/** What of the query can be used; the rest is left out, so that no made-up address ends in an error. */
function filterOf(visit: Visit): Omit<RunFilter, 'limit'> {
  const { caller, query } = visit
  const filter: Omit<RunFilter, 'limit'> = {}
  const client = query('client')
  if (caller.scope !== 'operator') filter.tenantId = tenantFor(caller, undefined)
  else if (client !== '') filter.tenantId = client
  const state = runStates.find((one) => one === query('state'))
  if (state !== undefined) filter.states = [state]
  const source = runSources.find((one) => one === query('source'))
  if (source !== undefined) filter.source = source
  const name = query('filename').slice(0, 255)
  if (name !== '') filter.filename = name
  if (isId('run', query('before'))) filter.before = query('before')
  return filter
}

function filters(visit: Visit, known: readonly Tenant[]): Html {
  const { query } = visit
  const option = (value: string, label: string, chosen: string): Html =>
    html`<option value="${value}" ${value === chosen ? 'selected' : ''}>${label}</option>`
  return html`<form class="filters" method="get" action="/console/imports" role="search">
    <div class="field wide">
      <label for="filename">File name</label>
      <input
        id="filename"
        name="filename"
        type="search"
        value="${query('filename')}"
        placeholder="Any part of it"
        maxlength="255"
      />
    </div>
    ${
      visit.caller.scope === 'operator'
        ? html`<div class="field">
            <label for="client">Client</label>
            <select id="client" name="client">
              <option value="">All clients</option>
              ${known.map(({ id, name }) => option(id, name, query('client')))}
            </select>
          </div>`
        : ''
    }
    <div class="field">
      <label for="state">State</label>
      <select id="state" name="state">
        <option value="">Any state</option>
        ${runStates.map((state) => option(state, stateLooks[state].label, query('state')))}
      </select>
    </div>
    <div class="field">
      <label for="source">Came by</label>
      <select id="source" name="source">
        <option value="">Any way</option>
        ${runSources.map((source) => option(source, sourceNames[source], query('source')))}
      </select>
    </div>
    <div class="actions"><button type="submit">${icon('search')}Filter</button></div>
  </form>`
}

function isFiltered({ query }: Visit): boolean {
  return ['filename', 'client', 'state', 'source', 'before'].some((name) => query(name) !== '')
}

function actions(visit: Visit, known: readonly Tenant[]): Html | '' {
  if (visit.caller.scope === 'monitor') return ''
  const only = known.length === 1 ? known[0] : known.find(({ id }) => id === visit.query('client'))
  if (only === undefined) return ''
  return html`<div class="actions">
    <a class="button primary" href="${clientPath(only.id, '/drop')}">${icon('up')}Drop a file</a>
  </div>`
}

function emptyState(visit: Visit, known: readonly Tenant[]): Html {
  if (isFiltered(visit)) {
    return html`<div class="card empty">
      <p class="empty-mark">${icon('search')}</p>
      <h2>No import matches</h2>
      <p>Nothing that was dropped fits these filters.</p>
      <p><a class="button" href="/console/imports">Show all imports</a></p>
    </div>`
  }
  if (known.length === 0) {
    return html`<div class="card empty">
      <p class="empty-mark">${icon('file')}</p>
      <h2>Make the first client</h2>
      <p>
        A client has its own drop folder, its own users and two mail addresses. One page makes all
        of it.
      </p>
      <p><a class="button primary" href="/console/new-client">Make a client</a></p>
    </div>`
  }
  const first = known[0]
  return html`<div class="card empty">
    <p class="empty-mark">${icon('file')}</p>
    <h2>Waiting for the first file</h2>
    <p>
      Drop a CSV of users over SFTP or FTPS, or here in the browser. It shows up by itself within
      seconds.
    </p>
    ${
      first === undefined || visit.caller.scope === 'monitor'
        ? ''
        : html`<p class="actions">
            <a class="button primary" href="${clientPath(first.id, '/drop')}"
              >${icon('up')}Drop a file</a
            >
            <a class="button" href="${clientPath(first.id)}">How to connect</a>
          </p>`
    }
  </div>`
}

function pager(visit: Visit, last: Run | undefined): Html | '' {
  const here = new URL(visit.context.req.url)
  const newer = new URLSearchParams(here.search)
  newer.delete('before')
  const older = new URLSearchParams(newer)
  older.set('before', last?.id ?? '')
  if (last === undefined && visit.query('before') === '') return ''
  return html`<nav class="pager" aria-label="Pages">
    ${
      visit.query('before') === ''
        ? html`<span></span>`
        : html`<a class="button" href="?${newer.toString()}">Newest</a>`
    }
    ${last === undefined ? '' : html`<a class="button" href="?${older.toString()}">Older</a>`}
  </nav>`
}
