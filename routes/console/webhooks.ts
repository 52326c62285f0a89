import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { oneLine } from '../../src/domain/figures.ts'
import { isId } from '../../src/domain/id.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import { webhookEvents } from '../../src/domain/webhook.ts'
import type { Webhook, WebhookDelivery, WebhookEvent } from '../../src/domain/webhook.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { webhookBody, webhookPatch } from '../webhook-operations.ts'
import { clientOf } from './client.ts'
import { copyLine } from './doors.ts'
import { faultBanner, noFaults, orAgain, textField, tick } from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { clientEvents, clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content, Html, Visit } from './page.ts'
import { pill } from './state-pill.ts'
import { ago, fullTime } from './time.ts'

const perPage = 50

/** What each event is, in words. */
const eventNames: Readonly<Record<WebhookEvent, string>> = {
  'import.completed': 'An import is completed, with or without failed rows',
  'import.failed': 'A file is refused',
  'import.held': 'An import is held for approval',
  'upload.incomplete': 'An upload was cut',
}

/** Where a client wants to be told of events, and what became of each delivery. */
export function webhookPages(options: { operations: Operations; clock: Clock }): ConsolePage[] {
  const { operations, clock } = options
  const { tenants, webhooks } = operations

  async function list(tenant: Tenant, given: URLSearchParams, faults: Faults): Promise<Content> {
    const all = await webhooks.list(tenant.id)
    return { title: 'Webhooks', tenantId: tenant.id, body: listBody(tenant, all, given, faults) }
  }

  async function one(
    visit: Visit,
    { tenant, webhook }: { tenant: Tenant; webhook: Webhook },
    { faults, secret }: { faults: Faults; secret: string | null },
  ): Promise<Content> {
    const before = visit.query('before')
    const found = await webhooks.deliveries(webhook, {
      limit: perPage + 1,
      ...(isId('delivery', before) ? { before } : {}),
    })
    return {
      title: 'Webhook',
      tenantId: tenant.id,
      // What is on an older page has come to its end.
      ...(before === ''
        ? { liveMs: 4_000, liveEvents: clientEvents(tenant.id, `webhook:${webhook.id}`) }
        : {}),
      livePath: clientPath(tenant.id, `/webhooks/${webhook.id}`),
      body: html`<div class="head">
          <div class="head-text">
            <p class="crumbs"><a href="${clientPath(tenant.id, '/webhooks')}">Webhooks</a></p>
            <div class="title-row">
              <h1>${oneLine(webhook.url, 120)}</h1>
              ${statePill(webhook)}
            </div>
          </div>
          ${buttons(tenant, webhook)}
        </div>
        ${faultBanner(faults)} ${secret === null ? '' : secretCard(secret)}
        <section class="card middle">
          <h2>Where, and of what</h2>
          <form
            class="fields"
            method="post"
            action="${clientPath(tenant.id, `/webhooks/${webhook.id}`)}"
          >
            ${formFields(webhook, faults)}
            ${tick({ name: 'disabled', label: 'Disabled', hint: 'Nothing is sent until you untick this' }, webhook.disabled)}
            <div class="actions"><button class="primary" type="submit">Save</button></div>
          </form>
        </section>
        <section class="stack" id="deliveries" data-live>
          <h2>Deliveries</h2>
          ${deliveryTable(tenant, webhook, found.slice(0, perPage), clock.now())}
          ${
            found.length > perPage
              ? html`<nav class="pager" aria-label="Pages">
                  <span></span
                  ><a class="button" href="?before=${found[perPage - 1]?.id ?? ''}">Older</a>
                </nav>`
              : ''
          }
        </section>`,
    }
  }

  async function here(visit: Visit): Promise<{ tenant: Tenant; webhook: Webhook }> {
    const tenant = await clientOf(visit, tenants)
    return { tenant, webhook: await webhooks.find(tenant.id, visit.param('id')) }
  }

  return [
    page('GET /console/clients/:tenant/webhooks', async (visit) =>
      list(await clientOf(visit, tenants), new URLSearchParams(), noFaults),
    ),
    page('POST /console/clients/:tenant/webhooks', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const body = parseValue(webhookBody, {
            url: (given.get('url') ?? '').trim(),
            events: given.getAll('events'),
          })
          const webhook = await webhooks.add(visit.caller, tenant.id, body)
          return one(visit, { tenant, webhook }, { faults: noFaults, secret: webhook.secret })
        },
        (faults) => list(tenant, given, faults),
      )
    }),
    page('GET /console/clients/:tenant/webhooks/:id', async (visit) =>
      one(visit, await here(visit), { faults: noFaults, secret: null }),
    ),
    page('POST /console/clients/:tenant/webhooks/:id', async (visit) => {
      const { tenant, webhook } = await here(visit)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const body = parseValue(webhookPatch, {
            url: (given.get('url') ?? '').trim(),
            events: given.getAll('events'),
            disabled: given.get('disabled') === 'true',
          })
          await webhooks.change(visit.caller, webhook, body)
          return done(visit, clientPath(tenant.id, `/webhooks/${webhook.id}`), 'saved')
        },
        (faults) => one(visit, { tenant, webhook }, { faults, secret: null }),
      )
    }),
    page('POST /console/clients/:tenant/webhooks/:id/secret', async (visit) => {
      const { tenant, webhook } = await here(visit)
      const changed = await webhooks.change(visit.caller, webhook, { newSecret: true })
      return one(visit, { tenant, webhook: changed }, { faults: noFaults, secret: changed.secret })
    }),
    page('POST /console/clients/:tenant/webhooks/:id/remove', async (visit) => {
      const { tenant, webhook } = await here(visit)
      await webhooks.remove(visit.caller, webhook)
      return done(visit, clientPath(tenant.id, '/webhooks'), 'removed')
    }),
    page('POST /console/clients/:tenant/webhooks/:id/resend', async (visit) => {
      const { tenant, webhook } = await here(visit)
      const delivery = (await readForm(visit.context)).get('delivery') ?? ''
      await webhooks.resend(visit.caller, webhook, delivery)
      return done(visit, clientPath(tenant.id, `/webhooks/${webhook.id}`), 'resent')
    }),
  ]
}

function statePill({ disabled }: Webhook): Html {
  return disabled
    ? pill({ label: 'Disabled', tone: 'calm', icon: 'cross' })
    : pill({ label: 'Active', tone: 'ok', icon: 'check' })
}

function listBody(
  tenant: Tenant,
  all: readonly Webhook[],
  given: URLSearchParams,
  faults: Faults,
): Html {
  const events = given.has('url') ? given.getAll('events') : webhookEvents
  return html`<div class="head">
      <div class="head-text">
        <h1>Webhooks</h1>
        <p>Another system is told at once, with a signature by Standard Webhooks.</p>
      </div>
    </div>
    ${faultBanner(faults)}
    ${
      all.length === 0
        ? html`<p class="muted">There is none yet.</p>`
        : html`<div class="scroll" role="region" aria-label="Webhooks" tabindex="0">
            <table>
              <thead>
                <tr>
                  <th scope="col">Address</th>
                  <th scope="col">Told of</th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                ${all.map(
                  (webhook) =>
                    html`<tr>
                      <th scope="row">
                        <a href="${clientPath(tenant.id, `/webhooks/${webhook.id}`)}"
                          >${oneLine(webhook.url, 120)}</a
                        >
                      </th>
                      <td>${webhook.events.join(', ')}</td>
                      <td>${statePill(webhook)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    <section class="card middle">
      <h2>Add a webhook</h2>
      <form class="fields" method="post" action="${clientPath(tenant.id, '/webhooks')}">
        ${formFields({ url: given.get('url') ?? '', events }, faults)}
        <div class="actions"><button class="primary" type="submit">Add the webhook</button></div>
      </form>
    </section>`
}

function formFields(
  { url, events }: { url: string; events: readonly string[] },
  faults: Faults,
): Html {
  return html`${textField({ name: 'url', label: 'Address', type: 'url', value: url, hint: 'Such as https://hr.example.com/hook; private networks only where the operator allows them', more: html`required maxlength="2000"` }, faults)}
    <fieldset>
      <legend>Told when</legend>
      ${webhookEvents.map((event) =>
        tick(
          { name: 'events', value: event, label: eventNames[event], hint: event },
          events.includes(event),
        ),
      )}
      ${faults.has('events') ? html`<p class="fault">At least one is needed.</p>` : ''}
    </fieldset>`
}

function secretCard(secret: string): Html {
  return html`<section class="card">
    <h2>The secret of its signatures</h2>
    <p class="banner warn">${icon('warn')} <span>It is shown this once. Copy it now.</span></p>
    ${copyLine({ id: 'shown-once', label: 'Secret', text: secret })}
  </section>`
}

function buttons(tenant: Tenant, webhook: Webhook): Html {
  const path = clientPath(tenant.id, `/webhooks/${webhook.id}`)
  return html`<div class="actions">
    <details class="action">
      <summary class="button">New secret</summary>
      <form class="action-panel" method="post" action="${path}/secret">
        <p>A secret is made and shown once. Deliveries are signed with it from now on.</p>
        <button class="primary" type="submit">Make a new secret now</button>
      </form>
    </details>
    <details class="action">
      <summary class="button danger">Remove</summary>
      <form class="action-panel" method="post" action="${path}/remove">
        <p>Nothing is sent there any more, and the log of its deliveries goes too.</p>
        <button class="danger" type="submit">Remove now</button>
      </form>
    </details>
  </div>`
}

function deliveryPill({ state }: WebhookDelivery): Html {
  if (state === 'delivered') return pill({ label: 'Delivered', tone: 'ok', icon: 'check' })
  if (state === 'queued') return pill({ label: 'Queued', tone: 'calm', icon: 'clock' })
  return pill({ label: 'Failed', tone: 'bad', icon: 'cross' })
}

function deliveryTable(
  tenant: Tenant,
  webhook: Webhook,
  deliveries: readonly WebhookDelivery[],
  now: number,
): Html {
  if (deliveries.length === 0) return html`<p class="muted">None yet.</p>`
  const { timeZone } = tenant.settings
  return html`<div class="scroll" role="region" aria-label="Deliveries" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">State</th>
          <th scope="col">Answer</th>
          <th scope="col">When</th>
          <th scope="col"><span class="seen-by-readers">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${deliveries.map(
          (delivery) =>
            html`<tr>
              <th scope="row">
                ${delivery.event}
                ${
                  isId('run', delivery.subject)
                    ? html`<br /><a class="small" href="/console/imports/${delivery.subject}"
                          >the import</a
                        >`
                    : ''
                }
              </th>
              <td>${deliveryPill(delivery)}</td>
              <td class="small muted">
                ${delivery.status ?? ''} ${oneLine(delivery.answer ?? '', 200)}
                ${
                  delivery.state === 'queued' && delivery.attempts > 0
                    ? html`<br />Tried ${delivery.attempts} times, next
                        ${fullTime(delivery.nextAttemptAt, timeZone)}`
                    : ''
                }
              </td>
              <td class="nowrap">
                ${ago(delivery.deliveredAt ?? delivery.createdAt, { now, timeZone })}
              </td>
              <td>
                <form
                  class="row-actions"
                  method="post"
                  action="${clientPath(tenant.id, `/webhooks/${webhook.id}/resend`)}"
                >
                  <input type="hidden" name="delivery" value="${delivery.id}" />
                  <button type="submit" aria-label="Send ${delivery.event} again">
                    Send again
                  </button>
                </form>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
