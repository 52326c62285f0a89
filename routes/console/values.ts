import { html } from 'hono/html'
import type { Tenant, UserType } from '../../src/domain/tenant.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { loginSourcesBody, tenantTag, userTypesBody } from '../tenant-operations.ts'
import { clientOf } from './client.ts'
import { faultBanner, linesField, listOfText, noFaults, orAgain } from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { clientPath } from './frame.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content } from './page.ts'

/** User types and login sources: the values that a file may name. */
export function valuePages({ operations }: { operations: Operations }): ConsolePage[] {
  const { tenants } = operations

  return [
    page('GET /console/clients/:tenant/values', async (visit) =>
      show(await clientOf(visit, tenants), {}, noFaults),
    ),
    page('POST /console/clients/:tenant/user-types', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const { data } = parseValue(userTypesBody, { data: typesOf(given.get('userTypes')) })
          await tenants.setUserTypes(
            visit.caller,
            tenant.id,
            data,
            given.get('version') ?? undefined,
          )
          return done(visit, clientPath(tenant.id, '/values'), 'saved')
        },
        (faults) =>
          show(tenant, { userTypes: given.get('userTypes') ?? '' }, renamed(faults, 'userTypes')),
      )
    }),
    page('POST /console/clients/:tenant/login-sources', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const { data } = parseValue(loginSourcesBody, {
            data: listOfText(given.get('loginSources'), /\n/),
          })
          await tenants.setLoginSources(
            visit.caller,
            tenant.id,
            data,
            given.get('version') ?? undefined,
          )
          return done(visit, clientPath(tenant.id, '/values'), 'saved')
        },
        (faults) =>
          show(
            tenant,
            { loginSources: given.get('loginSources') ?? '' },
            renamed(faults, 'loginSources'),
          ),
      )
    }),
  ]
}

/** Lines such as `12 = Student`, or `Student` alone: it is given the first free number. */
function typesOf(text: string | null): UserType[] {
  const lines = listOfText(text, /\n/).map((line) => {
    const at = line.indexOf('=')
    return at < 0
      ? { id: undefined, name: line }
      : { id: line.slice(0, at).trim(), name: line.slice(at + 1).trim() }
  })
  const taken = new Set(lines.map(({ id }) => id))
  let next = 1
  return lines.map(({ id, name }) => {
    if (id !== undefined) return { id, name }
    while (taken.has(String(next))) next += 1
    taken.add(String(next))
    return { id: String(next), name }
  })
}

function renamed(faults: Faults, field: string): Faults {
  return new Map([...faults].map(([name, detail]) => [name === 'data' ? field : name, detail]))
}

function show(
  tenant: Tenant,
  given: { userTypes?: string; loginSources?: string },
  faults: Faults,
): Content {
  const types = tenant.userTypes.map(({ id, name }) => `${id} = ${name}`).join('\n')
  const version = html`<input type="hidden" name="version" value="${tenantTag(tenant)}" />`
  return {
    title: 'User types',
    tenantId: tenant.id,
    body: html`<div class="head">
        <div class="head-text">
          <h1>User types and login sources</h1>
          <p>The values that a file may name. An empty list takes any value.</p>
        </div>
      </div>
      ${faultBanner(faults)}
      <div class="columns even">
        <section class="card">
          <h2>User types</h2>
          <form class="fields" method="post" action="${clientPath(tenant.id, '/user-types')}">
            ${version}
            ${linesField({ name: 'userTypes', label: 'One a line', value: given.userTypes ?? types, hint: 'id = name; without an id one is given. A file may use either', more: html`class="tall"` }, faults)}
            <div class="actions">
              <button class="primary" type="submit">Save user types</button>
            </div>
          </form>
        </section>
        <section class="card">
          <h2>Login sources</h2>
          <form class="fields" method="post" action="${clientPath(tenant.id, '/login-sources')}">
            ${version}
            ${linesField({ name: 'loginSources', label: 'One a line', value: given.loginSources ?? tenant.loginSources.join('\n'), hint: 'Such as ldap or saml', more: html`class="tall"` }, faults)}
            <div class="actions">
              <button class="primary" type="submit">Save login sources</button>
            </div>
          </form>
        </section>
      </div>`,
  }
}
