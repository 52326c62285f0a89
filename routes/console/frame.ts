import { html } from 'hono/html'
import type { RunStore, TenantStore } from '../../src/domain/state.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { assetPath } from './assets.ts'
import { doneSentence } from './done.ts'
import { icon } from './icon.ts'
import type { Frame, Html, Visit } from './page.ts'

interface Place {
  /** Of another page that belongs there. */
  also?: string
  path: string
  label: string
}

// More held imports than this are shown as `99+`.
const mostCounted = 99

/** The frame of every page; it reads the names that its navigation shows. */
export function createFrame(options: {
  runs: Pick<RunStore, 'list'>
  tenants: Pick<TenantStore, 'get'>
}): Frame {
  const { runs, tenants } = options

  return async (visit, content) => {
    const { caller } = visit
    const signedIn = caller.scope !== 'anyone'
    const tenantId = caller.tenantId ?? content.tenantId
    const tenant = tenantId === undefined || !signedIn ? undefined : await tenants.get(tenantId)
    const held = signedIn
      ? await runs.list({
          states: ['held'],
          limit: mostCounted + 1,
          ...(caller.tenantId === null ? {} : { tenantId: caller.tenantId }),
        })
      : []
    const { pathname } = new URL(visit.context.req.url)
    const live = content.liveMs
    return html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${content.title} · Rosterdrop</title>
          <link rel="stylesheet" href="${assetPath('console.css')}" />
          <link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}" />
          <script src="${assetPath('console.js')}" defer></script>
          ${
            live === undefined
              ? ''
              : html`<noscript><meta http-equiv="refresh" content="5" /></noscript>`
          }
        </head>
        <body>
          <a class="skip" href="#main">Skip to the content</a>
          ${signedIn ? header(visit, { pathname, tenant, held: held.length }) : bare()}
          ${
            signedIn && tenant !== undefined && content.tenantId !== undefined
              ? tabs(tenant, pathname, visit)
              : ''
          }
          <main
            id="main"
            tabindex="-1"
            ${live === undefined ? '' : html`data-live-ms="${live}" data-live-path="${content.livePath ?? ''}" data-live-events="${content.liveEvents ?? ''}"`}
          >
            ${banner(visit)} ${content.body}
          </main>
        </body>
      </html>`
  }
}

function brand(): Html {
  return html`<a class="brand" href="/">${icon('mark')}<span>Rosterdrop</span></a>`
}

function bare(): Html {
  return html`<header class="top"><div class="top-row">${brand()}</div></header>`
}

function header(
  visit: Visit,
  { pathname, tenant, held }: { pathname: string; tenant: Tenant | undefined; held: number },
): Html {
  const { scope, name } = visit.caller
  const own = scope === 'tenant' && tenant !== undefined
  const places: Place[] = [
    { path: '/console/imports', label: 'Imports' },
    { path: '/console/held', label: 'Held' },
    ...(scope === 'operator'
      ? [
          { path: '/console/clients', also: '/console/new-client', label: 'Clients' },
          { path: '/console/server', label: 'Server' },
        ]
      : []),
    ...(own ? [{ path: clientPath(tenant.id), label: tenant.name }] : []),
  ]
  const role = { operator: 'Agent', tenant: 'Client staff', monitor: 'Read only' }[
    scope === 'operator' || scope === 'tenant' ? scope : 'monitor'
  ]
  return html`<header class="top">
    <div class="top-row">
      ${brand()}
      <nav class="main-nav" aria-label="Main">
        <ul>
          ${places.map(
            ({ path, label, also }) =>
              html`<li>
                <a href="${path}" ${currentIf(isAt(path, pathname) || also === pathname)}
                  >${label}${
                    path === '/console/held' && held > 0
                      ? html` <span class="badge" title="${held} waiting"
                          >${held > mostCounted ? `${mostCounted}+` : held}</span
                        >`
                      : ''
                  }</a
                >
              </li>`,
          )}
        </ul>
      </nav>
      <div class="who">
        <span class="who-name" title="${role}: ${name ?? ''}"
          ><span class="who-role">${role}</span><span class="who-token">${name}</span></span
        >
        <form method="post" action="/console/sign-out">
          <button class="quiet" type="submit">Sign out</button>
        </form>
      </div>
    </div>
  </header>`
}

/** Where the pages of a client are. */
export function clientPath(tenantId: string, rest = ''): string {
  return `/console/clients/${encodeURIComponent(tenantId)}${rest}`
}

/** Where a page of a client hears of changes: of `outbox`, `incomplete`, or `webhook:<id>` with its deliveries. */
export function clientEvents(tenantId: string, of: string): string {
  return `${clientPath(tenantId, '/events')}?of=${encodeURIComponent(of)}`
}

const sections = [
  ['', 'Overview'],
  ['/drop', 'Drop a file'],
  ['/users', 'Users'],
  ['/accounts', 'Accounts'],
  ['/settings', 'Settings'],
  ['/values', 'User types'],
  ['/outbox', 'Outbox'],
  ['/incomplete', 'Incomplete'],
  ['/webhooks', 'Webhooks'],
  ['/tokens', 'Tokens'],
  ['/audit', 'Audit'],
] as const

function tabs(tenant: Tenant, pathname: string, visit: Visit): Html {
  const shown = sections.filter(
    ([path]) =>
      visit.caller.scope === 'operator' || (visit.caller.scope === 'tenant' && path !== '/tokens'),
  )
  return html`<nav class="client-bar" aria-labelledby="client-name">
    <span class="client-name" id="client-name">${tenant.name}</span>
    <div class="tabs">
      <ul>
        ${shown.map(([rest, label]) => {
          const path = clientPath(tenant.id, rest)
          const here = rest === '' ? pathname === path : isAt(path, pathname)
          return html`<li><a href="${path}" ${currentIf(here)}>${label}</a></li>`
        })}
      </ul>
    </div>
  </nav>`
}

function isAt(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(`${path}/`)
}

function currentIf(here: boolean): Html | '' {
  return here ? html`aria-current="page"` : ''
}

function banner(visit: Visit): Html | '' {
  const sentence = doneSentence(visit.query('done'))
  return sentence === undefined
    ? ''
    : html`<p class="banner ok" role="status">${icon('check')} ${sentence}</p>`
}
