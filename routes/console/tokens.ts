import { html } from 'hono/html'
import type { Token, TokenScope } from '../../src/domain/account.ts'
import type { Clock } from '../../src/domain/clock.ts'
import type { SessionStore } from '../../src/domain/state.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { tokenBody } from '../token-operations.ts'
import { clientOf } from './client.ts'
import { copyLine } from './doors.ts'
import { faultBanner, noFaults, orAgain, selectField, textField } from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content, Html, Visit } from './page.ts'
import { makeLink } from './session.ts'
import { pill } from './state-pill.ts'
import { ago, fullTime } from './time.ts'

/** Tokens of a client and one-time links for its staff, made by agents. */
export function tokenPages(options: {
  operations: Operations
  sessions: Pick<SessionStore, 'create'>
  clock: Clock
}): ConsolePage[] {
  const { operations, clock } = options
  const { tenants, tokens } = operations

  async function show(tenant: Tenant, faults: Faults, secret: Html | '' = ''): Promise<Content> {
    const now = clock.now()
    const found = await tokens.list(tenant.id)
    return {
      title: 'Tokens',
      tenantId: tenant.id,
      body: html`<div class="head">
          <div class="head-text">
            <h1>Tokens</h1>
            <p>For programs that call the API, and for the client's staff to sign in here.</p>
          </div>
        </div>
        ${faultBanner(faults)} ${secret}
        ${found.length === 0 ? '' : tokenTable(found, { path: clientPath(tenant.id, '/tokens'), timeZone: tenant.settings.timeZone, now })}
        <div class="columns even">
          <section class="card">
            <h2>Make a token</h2>
            <form class="fields" method="post" action="${clientPath(tenant.id, '/tokens')}">
              ${textField({ name: 'name', label: 'What uses it', hint: 'Stands in the audit, such as HR sync', more: html`required maxlength="100"` }, faults)}
              ${selectField(
                { name: 'scope', label: 'It may', value: 'tenant' },
                [
                  ['tenant', 'Do all of this client'],
                  ['monitor', 'Only look at its imports'],
                ],
                faults,
              )}
              ${textField({ name: 'expiresAt', label: 'Last day', hint: 'In UTC, such as 2026-12-31; empty: for good', more: html`placeholder="2026-12-31"` }, faults)}
              <div class="actions">
                <button class="primary" type="submit">Make the token</button>
              </div>
            </form>
          </section>
          <section class="card">
            <h2>Sign a person in</h2>
            <p class="muted">
              A link that signs the client's staff in once, for 12 hours. It waits a day to be used.
            </p>
            <form class="fields" method="post" action="${clientPath(tenant.id, '/link')}">
              ${textField({ name: 'person', label: 'Who', hint: 'Stands in the audit', more: html`required maxlength="100"` }, faults)}
              <div class="actions"><button type="submit">Make a link</button></div>
            </form>
          </section>
        </div>`,
    }
  }

  return [
    page('GET /console/clients/:tenant/tokens', async (visit) =>
      show(await clientOf(visit, tenants), noFaults),
    ),
    page('POST /console/clients/:tenant/tokens', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const day = (given.get('expiresAt') ?? '').trim()
          const body = parseValue(tokenBody, {
            name: given.get('name') ?? '',
            scope: given.get('scope') ?? 'tenant',
            expiresAt: day === '' ? null : `${day}T23:59:59Z`,
          })
          const { stored, token } = await tokens.add(visit.caller, tenant.id, body)
          return show(tenant, noFaults, shownOnce(`The token of ${stored.name}`, 'Token', token))
        },
        (faults) => show(tenant, faults),
      )
    }),
    page('POST /console/clients/:tenant/tokens/:id/revoke', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      await tokens.revoke(visit.caller, tenant.id, visit.param('id'))
      return done(visit, clientPath(tenant.id, '/tokens'), 'revoked')
    }),
    page('POST /console/clients/:tenant/link', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const person = ((await readForm(visit.context)).get('person') ?? '').trim().slice(0, 100)
      const path = await makeLink(options, {
        scope: 'tenant',
        tenantId: tenant.id,
        name: person === '' ? 'client staff' : person,
      })
      return show(
        tenant,
        noFaults,
        shownOnce(`The link of ${person}`, 'Link', `${originOf(visit)}${path}`),
      )
    }),
  ]
}

/** Where the browser is: behind a TLS proxy we are asked by plain HTTP, the page's origin says how it is. */
function originOf({ context }: Visit): string {
  return context.req.header('origin') ?? new URL(context.req.url).origin
}

/** A secret that nobody can show again. */
export function shownOnce(title: string, label: string, text: string): Html {
  return html`<section class="card">
    <h2>${title}</h2>
    <p class="banner warn">${icon('warn')} <span>It is shown this once. Copy it now.</span></p>
    ${copyLine({ id: 'shown-once', label, text })}
  </section>`
}

const may: Readonly<Record<TokenScope, string>> = {
  operator: 'Every client and the server',
  tenant: 'All of the client',
  monitor: 'Look at imports',
}

/** Tokens with a button to revoke each, below `path`. */
export function tokenTable(
  found: readonly Token[],
  { path, timeZone, now }: { path: string; timeZone: string; now: number },
): Html {
  return html`<div class="scroll" role="region" aria-label="Tokens" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col">May</th>
          <th scope="col">Last used</th>
          <th scope="col">Ends</th>
          <th scope="col">State</th>
          <th scope="col"><span class="seen-by-readers">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${found.map(
          (token) =>
            html`<tr>
              <th scope="row">${token.name}</th>
              <td>${may[token.scope]}</td>
              <td>
                ${
                  token.lastUsedAt === null
                    ? html`<span class="muted">Never</span>`
                    : ago(token.lastUsedAt, { now, timeZone })
                }
              </td>
              <td>${token.expiresAt === null ? 'Never' : fullTime(token.expiresAt, timeZone)}</td>
              <td>${tokenPill(token, now)}</td>
              <td>
                ${
                  token.revokedAt === null
                    ? html`<form
                        class="row-actions"
                        method="post"
                        action="${path}/${token.id}/revoke"
                      >
                        <button class="danger" type="submit" aria-label="Revoke ${token.name}">
                          Revoke
                        </button>
                      </form>`
                    : ''
                }
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function tokenPill({ revokedAt, expiresAt }: Token, now: number): Html {
  if (revokedAt !== null) return pill({ label: 'Revoked', tone: 'calm', icon: 'cross' })
  if (expiresAt !== null && expiresAt <= now) {
    return pill({ label: 'Expired', tone: 'warn', icon: 'clock' })
  }
  return pill({ label: 'Active', tone: 'ok', icon: 'check' })
}
