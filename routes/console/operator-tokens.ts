import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { operatorTokenBody } from '../token-operations.ts'
import { faultBanner, noFaults, orAgain, textField } from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content, Html } from './page.ts'
import { shownOnce, tokenTable } from './tokens.ts'

const path = '/console/server/tokens'

/** Tokens of the agents themselves. */
export function operatorTokenPages({
  operations: { tokens },
  clock,
}: {
  operations: Pick<Operations, 'tokens'>
  clock: Clock
}): ConsolePage[] {
  async function show(faults: Faults, secret: Html | '' = ''): Promise<Content> {
    const found = await tokens.list(null)
    const table = { path, timeZone: 'UTC', now: clock.now() }
    return {
      title: 'Tokens of agents',
      body: html`<div class="head">
          <div class="head-text">
            <p class="crumbs"><a href="/console/server">Server</a></p>
            <h1>Tokens of agents</h1>
            <p>
              Each may do everything, for every client. A revoked one ends its sessions at once.
            </p>
          </div>
        </div>
        ${faultBanner(faults)} ${secret} ${found.length === 0 ? '' : tokenTable(found, table)}
        <section class="card narrow">
          <h2>Make a token</h2>
          <form class="fields" method="post" action="${path}">
            ${textField({ name: 'name', label: 'Who or what uses it', hint: 'Stands in the audit', more: html`required maxlength="100"` }, faults)}
            ${textField({ name: 'expiresAt', label: 'Last day', hint: 'In UTC, such as 2026-12-31; empty: for good', more: html`placeholder="2026-12-31"` }, faults)}
            <div class="actions">
              <button class="primary" type="submit">Make the token</button>
            </div>
          </form>
        </section>`,
    }
  }

  return [
    page('GET /console/server/tokens', () => show(noFaults)),
    page('POST /console/server/tokens', async ({ context, caller }) => {
      const given = await readForm(context)
      return orAgain(
        async () => {
          const day = (given.get('expiresAt') ?? '').trim()
          const body = parseValue(operatorTokenBody, {
            name: given.get('name') ?? '',
            expiresAt: day === '' ? null : `${day}T23:59:59Z`,
          })
          const { stored, token } = await tokens.add(caller, null, { ...body, scope: 'operator' })
          return show(noFaults, shownOnce(`The token of ${stored.name}`, 'Token', token))
        },
        (faults) => show(faults),
      )
    }),
    page('POST /console/server/tokens/:id/revoke', async (visit) => {
      await tokens.revoke(visit.caller, null, visit.param('id'))
      return done(visit, path, 'revoked')
    }),
  ]
}
