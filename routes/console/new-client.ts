import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import type { AccountStore, TenantStore } from '../../src/domain/state.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { accountBody } from '../account-operations.ts'
import type { AccountChange } from '../account-operations.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { InvalidRequest } from '../problem.ts'
import { tenantBody } from '../tenant-operations.ts'
import { firstFile } from './client.ts'
import { connectLines, copyLine } from './doors.ts'
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
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Content, Html, Visit } from './page.ts'

const liveMs = 2_000

/** A client with both mail settings and its first login, made on one page. */
export function newClient(options: {
  operations: Operations
  tenants: Pick<TenantStore, 'list' | 'findByName'>
  accounts: Pick<AccountStore, 'findByName'>
  queueTestMail: (tenantId: string) => Promise<void>
  doors: () => Doors
  clock: Clock
}): ConsolePage[] {
  const { operations, tenants, accounts, queueTestMail, doors, clock } = options

  async function form(given: URLSearchParams, faults: Faults): Promise<Content> {
    const isFirst = (await tenants.list()).length === 0
    return { title: 'Make a client', body: formBody(given, faults, isFirst) }
  }

  return [
    page('GET /console/new-client', () =>
      form(new URLSearchParams({ timeZone: 'UTC', testMail: 'true' }), noFaults),
    ),

    page('POST /console/new-client', async (visit) => {
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const { tenant: wanted, account } = parsed(given)
          await requireFree(accounts, account.name)
          const tenant = await operations.tenants.add(visit.caller, wanted)
          const userTypes = listOfText(given.get('userTypes'))
          if (userTypes.length > 0) {
            const types = userTypes.map((name, index) => ({ id: String(index + 1), name }))
            await operations.tenants.setUserTypes(visit.caller, tenant.id, types)
          }
          const change = await operations.accounts.add(visit.caller, tenant.id, account)
          const tested = given.get('testMail') === 'true'
          if (tested) await queueTestMail(tenant.id)
          return welcome(visit, { tenant, change, tested, doors: doors(), now: clock.now() })
        },
        (faults) => form(given, faults),
      )
    }),
  ]
}

/** Both bodies, or all that is wrong with either of them at once. */
function parsed(given: URLSearchParams) {
  const text = (name: string): string => (given.get(name) ?? '').trim()
  const faults: { pointer: string; detail: string }[] = []
  const collect = <T>(work: () => T, rename: (pointer: string) => string): T | undefined => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error
      faults.push(
        ...error.faults.map(({ pointer, detail }) => ({ pointer: rename(pointer), detail })),
      )
      return undefined
    }
  }
  const tenant = collect(
    () =>
      parseValue(tenantBody, {
        name: text('name'),
        settings: {
          replyTo: text('replyTo'),
          failedImportEmail: listOfText(text('failedImportEmail')),
          timeZone: text('timeZone'),
        },
      }),
    (pointer) => pointer,
  )
  if (listOfText(text('failedImportEmail')).length === 0) {
    faults.push({ pointer: '/failedImportEmail', detail: 'at least one address is needed' })
  }
  const account = collect(
    () =>
      parseValue(accountBody, {
        name: text('login'),
        ...(text('password') === '' ? {} : { password: given.get('password') }),
        keys: listOfText(text('keys'), /\n/),
      }),
    (pointer) => pointer.replace('/name', '/login'),
  )
  if (faults.length > 0 || tenant === undefined || account === undefined) {
    throw new InvalidRequest('Cannot make the client', faults)
  }
  return { tenant, account }
}

/** Before the client is made: without its login, half of the work would be left behind. */
async function requireFree(
  accounts: Pick<AccountStore, 'findByName'>,
  name: string,
): Promise<void> {
  if ((await accounts.findByName(name)) === undefined) return
  throw new InvalidRequest('Cannot make the client', [
    { pointer: '/login', detail: `"${name}" is taken, another login is needed` },
  ])
}

function formBody(given: URLSearchParams, faults: Faults, isFirst: boolean): Html {
  const value = (name: string): string => given.get(name) ?? ''
  return html`<div class="head">
      <div class="head-text">
        <h1>${isFirst ? 'Make the first client' : 'Make a client'}</h1>
        <p>${isFirst ? 'Welcome. ' : ''}Two mail addresses and a login: then files can come.</p>
      </div>
    </div>
    ${faultBanner(faults)}
    <form class="fields" method="post" action="/console/new-client">
      <div class="columns even">
        <div class="stack">
          <section class="card">
            <h2>The organisation</h2>
            ${textField({ name: 'name', label: 'Client', value: value('name'), hint: 'As people call it, such as Maple College', more: html`required maxlength="100" autofocus` }, faults)}
            ${textField({ name: 'timeZone', label: 'Time zone', value: value('timeZone'), hint: 'For times in mails and here, such as America/Toronto', more: html`required list="zones" data-own-zone` }, faults)}
            ${zones()}
            ${textField({ name: 'userTypes', label: 'User types', value: value('userTypes'), hint: 'The values that a file may name, with commas. None: any value is taken', more: html`placeholder="Student, Staff, Faculty"` }, faults)}
          </section>
          <section class="card">
            <h2>Mail</h2>
            ${textField({ name: 'replyTo', label: 'Reply-to Admin Email Address', type: 'email', value: value('replyTo'), hint: 'Mails come from it, and answers go to it', more: html`required` }, faults)}
            ${textField({ name: 'failedImportEmail', label: 'Failed Import Email', value: value('failedImportEmail'), hint: 'Who gets the rows that failed; several with commas', more: html`required` }, faults)}
            ${tick({ name: 'testMail', label: 'Send a test mail now' }, given.get('testMail') === 'true')}
          </section>
        </div>
        <section class="card">
          <h2>The first login</h2>
          ${textField({ name: 'login', label: 'Login', value: value('login'), more: html`required maxlength="64" autocapitalize="none" spellcheck="false" autocomplete="off"` }, faults)}
          ${textField({ name: 'password', label: 'Password', type: 'password', hint: 'Empty: one is made and shown once. With a key and no password, the key alone lets in', more: html`autocomplete="new-password"` }, faults)}
          ${linesField({ name: 'keys', label: 'Public keys', value: value('keys'), hint: 'Lines of .pub files, if the client uses keys', more: html`placeholder="ssh-ed25519 AAAA…"` }, faults)}
        </section>
      </div>
      <div class="actions"><button class="primary" type="submit">Make the client</button></div>
    </form>`
}

/** The names of the time zones, for the field's list. */
export function zones(): Html {
  return html`<datalist id="zones">
    ${Intl.supportedValuesOf('timeZone').map((zone) => html`<option value="${zone}"></option>`)}
  </datalist>`
}

function welcome(
  visit: Visit,
  made: { tenant: Tenant; change: AccountChange; tested: boolean; doors: Doors; now: number },
): Content {
  const { tenant, change, tested, doors, now } = made
  const { account, password } = change
  const to = tenant.settings.failedImportEmail.join(', ')
  return {
    title: tenant.name,
    tenantId: tenant.id,
    liveMs,
    liveEvents: '/console/events',
    livePath: clientPath(tenant.id),
    body: html`<div class="head">
        <div class="head-text">
          <h1>${tenant.name} is ready</h1>
          ${tested ? html`<p>A test mail is on its way to ${to}: <a href="${clientPath(tenant.id, '/outbox')}">see the outbox</a>.</p>` : ''}
        </div>
      </div>
      <div id="recent" data-live class="stack">${firstFile([], { now, tenant })}</div>
      <div class="columns even">
        ${password === null ? '' : passwordCard(account.name, password)}
        <section class="card">
          <h2>How to connect</h2>
          ${connectLines(visit.context, doors, account)}
        </section>
      </div>
      <p class="actions"><a class="button" href="${clientPath(tenant.id)}">To the overview</a></p>`,
  }
}

/** A password that was made now: it is never shown again. */
export function passwordCard(login: string, password: string): Html {
  return html`<section class="card">
    <h2>The password of ${login}</h2>
    <p class="banner warn">${icon('warn')} <span>It is shown this once. Copy it now.</span></p>
    ${copyLine({ id: 'login-name', label: 'Login', text: login })}
    ${copyLine({ id: 'password', label: 'Password', text: password, secret: true })}
  </section>`
}
