import { html } from 'hono/html'
import { protocols } from '../../src/domain/account.ts'
import type { Account } from '../../src/domain/account.ts'
import type { Clock } from '../../src/domain/clock.ts'
import { counted } from '../../src/domain/figures.ts'
import { publicKeyLine } from '../../src/domain/public-key.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { accountBody, accountPatch } from '../account-operations.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { clientOf } from './client.ts'
import { connectLines } from './doors.ts'
import type { Doors } from './doors.ts'
import {
  faultBanner,
  linesField,
  listOfText,
  noFaults,
  orAgain,
  textField,
  tick,
} from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { clientPath } from './frame.ts'
import { passwordCard } from './new-client.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content, Html, Visit } from './page.ts'
import { pill } from './state-pill.ts'
import { ago } from './time.ts'

/** The logins of a client: list, one login, its password and keys. */
export function accountPages(options: {
  operations: Operations
  doors: () => Doors
  clock: Clock
}): ConsolePage[] {
  const { operations, doors, clock } = options
  const { accounts, tenants } = operations

  async function list(tenant: Tenant, given: URLSearchParams, faults: Faults): Promise<Content> {
    const logins = await accounts.list(tenant.id)
    const now = clock.now()
    const { timeZone } = tenant.settings
    return {
      title: 'Accounts',
      tenantId: tenant.id,
      body: html`<div class="head">
          <div class="head-text">
            <h1>Accounts</h1>
            <p>Logins to the drop folder, over SFTP and FTPS.</p>
          </div>
        </div>
        ${faultBanner(faults)}
        ${
          logins.length === 0
            ? html`<p class="muted">There is none yet.</p>`
            : html`<div class="scroll" role="region" aria-label="Accounts" tabindex="0">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Login</th>
                      <th scope="col">Lets in by</th>
                      <th scope="col">Over</th>
                      <th scope="col">Last login</th>
                      <th scope="col">State</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${logins.map((login) => row(login, { now, timeZone }))}
                  </tbody>
                </table>
              </div>`
        }
        <section class="card middle">
          <h2>Add a login</h2>
          ${addForm(tenant, given, faults)}
        </section>`,
    }
  }

  async function one(
    visit: Visit,
    tenant: Tenant,
    account: Account,
    { faults, password }: { faults: Faults; password: string | null },
  ): Promise<Content> {
    return {
      title: account.name,
      tenantId: tenant.id,
      body: html`<div class="head">
          <div class="head-text">
            <p class="crumbs"><a href="${clientPath(tenant.id, '/accounts')}">Accounts</a></p>
            <div class="title-row">
              <h1>${account.name}</h1>
              ${statePillOf(account, clock.now())}
            </div>
          </div>
          ${buttons(tenant, account)}
        </div>
        ${faultBanner(faults)} ${password === null ? '' : passwordCard(account.name, password)}
        <div class="columns even">
          <section class="card">
            <h2>What it may</h2>
            ${editForm(tenant, account, faults)}
          </section>
          <section class="card">
            <h2>How to connect</h2>
            ${connectLines(visit.context, doors(), account)}
          </section>
        </div>`,
    }
  }

  return [
    page('GET /console/clients/:tenant/accounts', async (visit) =>
      list(await clientOf(visit, tenants), new URLSearchParams(), noFaults),
    ),
    page('POST /console/clients/:tenant/accounts', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const password = given.get('password') ?? ''
          const body = parseValue(accountBody, {
            name: (given.get('name') ?? '').trim(),
            ...(password === '' ? {} : { password }),
            keys: listOfText(given.get('keys'), /\n/),
          })
          const made = await accounts.add(visit.caller, tenant.id, body)
          return one(visit, tenant, made.account, { faults: noFaults, password: made.password })
        },
        (faults) => list(tenant, given, faults),
      )
    }),
    page('GET /console/clients/:tenant/accounts/:id', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const account = await accounts.find(tenant.id, visit.param('id'))
      return one(visit, tenant, account, { faults: noFaults, password: null })
    }),
    page('POST /console/clients/:tenant/accounts/:id', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const account = await accounts.find(tenant.id, visit.param('id'))
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const until = given.get('expiresAt') ?? ''
          const body = parseValue(accountPatch, {
            name: (given.get('name') ?? '').trim(),
            keys: listOfText(given.get('keys'), /\n/),
            protocols: given.getAll('protocols'),
            allowedNetworks: listOfText(given.get('allowedNetworks')),
            expiresAt: until === '' ? null : `${until}T23:59:59Z`,
            disabled: given.get('disabled') === 'true',
          })
          await accounts.change(visit.caller, account, body)
          return done(visit, clientPath(tenant.id, `/accounts/${account.id}`), 'saved')
        },
        (faults) => one(visit, tenant, account, { faults, password: null }),
      )
    }),
    page('POST /console/clients/:tenant/accounts/:id/password', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const { account, password } = await accounts.change(
        visit.caller,
        { tenantId: tenant.id, id: visit.param('id') },
        { newPassword: true },
      )
      return one(visit, tenant, account, { faults: noFaults, password })
    }),
    page('POST /console/clients/:tenant/accounts/:id/remove', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      await accounts.remove(visit.caller, { tenantId: tenant.id, id: visit.param('id') })
      return done(visit, clientPath(tenant.id, '/accounts'), 'removed')
    }),
  ]
}

function statePillOf({ disabled, expiresAt }: Account, now: number): Html {
  if (disabled) return pill({ label: 'Disabled', tone: 'calm', icon: 'cross' })
  if (expiresAt !== null && expiresAt <= now) {
    return pill({ label: 'Expired', tone: 'warn', icon: 'clock' })
  }
  return pill({ label: 'Active', tone: 'ok', icon: 'check' })
}

function row(login: Account, { now, timeZone }: { now: number; timeZone: string }): Html {
  const proofs = [
    ...(login.passwordHash === null ? [] : ['password']),
    ...(login.keys.length === 0 ? [] : [counted(login.keys.length, 'key')]),
  ]
  return html`<tr>
    <th scope="row">
      <a href="${clientPath(login.tenantId, `/accounts/${login.id}`)}">${login.name}</a>
    </th>
    <td>${proofs.join(', ')}</td>
    <td>${login.protocols.map((name) => name.toUpperCase()).join(', ')}</td>
    <td>
      ${
        login.lastLoginAt === null
          ? html`<span class="muted">Never</span>`
          : ago(login.lastLoginAt, { now, timeZone })
      }
    </td>
    <td>${statePillOf(login, now)}</td>
  </tr>`
}

function addForm(tenant: Tenant, given: URLSearchParams, faults: Faults): Html {
  return html`<form class="fields" method="post" action="${clientPath(tenant.id, '/accounts')}">
    ${textField({ name: 'name', label: 'Login', value: given.get('name'), hint: 'Letters, digits and . _ @ -; unique on the whole server', more: html`required maxlength="64" autocapitalize="none" spellcheck="false" autocomplete="off"` }, faults)}
    ${textField({ name: 'password', label: 'Password', type: 'password', hint: 'Empty: one is made and shown once. With a key and no password, the key alone lets in', more: html`autocomplete="new-password"` }, faults)}
    ${linesField({ name: 'keys', label: 'Public keys', value: given.get('keys'), hint: 'Lines of .pub files', more: html`placeholder="ssh-ed25519 AAAA…"` }, faults)}
    <div class="actions"><button class="primary" type="submit">Add the login</button></div>
  </form>`
}

function editForm(tenant: Tenant, account: Account, faults: Faults): Html {
  const until =
    account.expiresAt === null ? '' : new Date(account.expiresAt).toISOString().slice(0, 10)
  return html`<form
    class="fields"
    method="post"
    action="${clientPath(tenant.id, `/accounts/${account.id}`)}"
  >
    ${textField({ name: 'name', label: 'Login', value: account.name, more: html`required maxlength="64"` }, faults)}
    <fieldset>
      <legend>Over</legend>
      ${protocols.map((name) =>
        tick(
          { name: 'protocols', value: name, label: name.toUpperCase() },
          account.protocols.includes(name),
        ),
      )}
    </fieldset>
    ${linesField({ name: 'keys', label: 'Public keys', value: account.keys.map(publicKeyLine).join('\n'), hint: 'One a line' }, faults)}
    ${linesField({ name: 'allowedNetworks', label: 'Allowed networks', value: account.allowedNetworks.join('\n'), hint: 'Addresses or ranges such as 192.0.2.0/24, one a line; empty: from anywhere' }, faults)}
    ${textField({ name: 'expiresAt', label: 'Last day', value: until, hint: 'In UTC, such as 2026-12-31; empty: for good', more: html`pattern="\\d{4}-\\d{2}-\\d{2}" placeholder="2026-12-31"` }, faults)}
    ${tick({ name: 'disabled', label: 'Disabled', hint: 'Nobody logs in with it until you untick this' }, account.disabled)}
    <div class="actions"><button class="primary" type="submit">Save</button></div>
  </form>`
}

function buttons(tenant: Tenant, account: Account): Html {
  const path = clientPath(tenant.id, `/accounts/${account.id}`)
  return html`<div class="actions">
    <details class="action">
      <summary class="button">New password</summary>
      <form class="action-panel" method="post" action="${path}/password">
        <p>A password is made and shown once. The old one stops working at once.</p>
        <button class="primary" type="submit">Make a new password now</button>
      </form>
    </details>
    <details class="action">
      <summary class="button danger">Remove</summary>
      <form class="action-panel" method="post" action="${path}/remove">
        <p>Nobody logs in as ${account.name} any more. Files and imports stay.</p>
        <button class="danger" type="submit">Remove now</button>
      </form>
    </details>
  </div>`
}
