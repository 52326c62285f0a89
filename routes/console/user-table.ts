import { html } from 'hono/html'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { NumberedUser } from '../../src/domain/user-reader.ts'
import { clientPath } from './frame.ts'
import type { Html } from './page.ts'
import { pill } from './state-pill.ts'
import { ago } from './time.ts'

/** How people call the user, or what it is known by. */
export function nameOf({
  id,
  fields: { firstName, lastName, email, username, UserUUID },
}: NumberedUser): string {
  const name = [firstName, lastName].filter((part) => part !== null).join(' ')
  return name === '' ? (email ?? username ?? UserUUID ?? `User ${id}`) : name
}

/** Whether the user is active, as a coloured word. */
export function activePill({ active }: NumberedUser): Html {
  return active
    ? pill({ label: 'Active', tone: 'ok', icon: 'check' })
    : pill({ label: 'Inactive', tone: 'calm', icon: 'cross' })
}

/** Users in a list; each name leads to the user. */
export function userTable(tenant: Tenant, users: readonly NumberedUser[], now: number): Html {
  const { timeZone } = tenant.settings
  return html`<div class="scroll" role="region" aria-label="Users" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Email</th>
          <th scope="col">UserUUID</th>
          <th scope="col">Type</th>
          <th scope="col">Status</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        ${users.map(
          (user) =>
            html`<tr>
              <th scope="row">
                <a href="${clientPath(tenant.id, `/users/${user.id}`)}">${nameOf(user)}</a>
              </th>
              <td>${user.fields.email ?? ''}</td>
              <td>${user.fields.UserUUID ?? ''}</td>
              <td>${user.fields.userType ?? ''}</td>
              <td>${activePill(user)}</td>
              <td class="nowrap">${ago(user.changedAt, { now, timeZone })}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** Users that a held file lacks, to be looked at before it is decided on. */
export function absentTable(tenantId: string, users: readonly NumberedUser[]): Html {
  return html`<div class="scroll" role="region" aria-label="Would be deactivated" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Email</th>
          <th scope="col">UserUUID</th>
          <th scope="col">Type</th>
        </tr>
      </thead>
      <tbody>
        ${users.map(
          (user) =>
            html`<tr>
              <th scope="row">
                <a href="${clientPath(tenantId, `/users/${user.id}`)}">${nameOf(user)}</a>
              </th>
              <td>${user.fields.email ?? ''}</td>
              <td>${user.fields.UserUUID ?? ''}</td>
              <td>${user.fields.userType ?? ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
