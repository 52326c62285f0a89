import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { AppError } from '../../src/domain/error.ts'
import type { RunStore } from '../../src/domain/state.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { NumberedUser, UserReader } from '../../src/domain/user-reader.ts'
import type { Operations } from '../operations.ts'
import { attachment } from '../send-file.ts'
import { usersCsv } from '../users-csv.ts'
import { clientOf } from './client.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Content, Html, Visit } from './page.ts'
import { userHistory } from './user-history.ts'
import { activePill, nameOf, userTable } from './user-table.ts'

const perPage = 50
const shownVersions = 50

/** The users of a client: search, and one user with the history of its changes. */
export function userPages(options: {
  operations: Operations
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
  runs: Pick<RunStore, 'get'>
  clock: Clock
}): ConsolePage[] {
  const { operations, openUsers, runs, clock } = options
  const { tenants } = operations

  async function found(visit: Visit, reader: UserReader | undefined): Promise<NumberedUser[]> {
    if (reader === undefined) return []
    const status = visit.query('status')
    const active =
      status === 'active' || status === 'inactive' ? { active: status === 'active' } : {}
    const text = visit.query('q').trim().slice(0, 100)
    const limit = perPage + 1
    if (text !== '') return reader.searchUsers(text, { limit, ...active })
    const after = visit.query('after')
    return reader.userList({
      limit,
      ...active,
      ...(/^\d{1,15}$/.test(after) ? { after: Number(after) } : {}),
    })
  }

  return [
    page('GET /console/clients/:tenant/users', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const users = await found(visit, await openUsers(tenant.id))
      return listContent(visit, tenant, users, clock.now())
    }),

    page('GET /console/clients/:tenant/users.csv', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      return visit.context.body(
        usersCsv(() => openUsers(tenant.id), { active: undefined }),
        200,
        {
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': attachment('users.csv'),
        },
      )
    }),

    page('GET /console/clients/:tenant/users/:id', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const reader = await openUsers(tenant.id)
      const id = Number(visit.param('id'))
      const [user] =
        reader === undefined || !Number.isSafeInteger(id) || id < 1
          ? []
          : await reader.userList({ after: id - 1, limit: 1 })
      if (reader === undefined || user?.id !== id) {
        throw new AppError(
          'not_found',
          'There is no user of this number: an import may have removed it',
        )
      }
      const versions = await reader.userHistory(id, shownVersions)
      const known = await Promise.all(versions.map(({ runId }) => runs.get(runId)))
      const body = html`<div class="head">
          <div class="head-text">
            <p class="crumbs"><a href="${clientPath(tenant.id, '/users')}">Users</a></p>
            <div class="title-row">
              <h1>${nameOf(user)}</h1>
              ${activePill(user)}
            </div>
          </div>
        </div>
        <div class="columns even">
          <section class="card">
            <h2>What is stored</h2>
            ${fields(user)}
          </section>
          <section class="card">
            <h2>Changes by import</h2>
            ${userHistory(user, versions, known, { now: clock.now(), timeZone: tenant.settings.timeZone })}
          </section>
        </div>`
      return { title: nameOf(user), tenantId: tenant.id, body }
    }),
  ]
}

function listContent(
  visit: Visit,
  tenant: Tenant,
  users: readonly NumberedUser[],
  now: number,
): Content {
  const { query } = visit
  const shown = users.slice(0, perPage)
  const searched = query('q').trim() !== ''
  const last = users.length > perPage && !searched ? shown.at(-1) : undefined
  const older = new URLSearchParams({ status: query('status'), after: String(last?.id ?? '') })
  const option = (value: string, label: string): Html =>
    html`<option value="${value}" ${query('status') === value ? 'selected' : ''}>${label}</option>`
  return {
    title: 'Users',
    tenantId: tenant.id,
    body: html`<div class="head">
        <div class="head-text">
          <h1>Users</h1>
          <p>As imports have made them.</p>
        </div>
        <div class="actions">
          <a class="button" href="${clientPath(tenant.id, '/users.csv')}" download
            >${icon('down')}All as CSV</a
          >
        </div>
      </div>
      <form class="filters" method="get" role="search">
        <div class="field wide">
          <label for="q">Name, email, username or UserUUID</label>
          <input
            id="q"
            name="q"
            type="search"
            value="${query('q')}"
            maxlength="100"
            placeholder="How it begins"
          />
        </div>
        <div class="field">
          <label for="status">Status</label>
          <select id="status" name="status">
            ${option('', 'Any')} ${option('active', 'Active')} ${option('inactive', 'Inactive')}
          </select>
        </div>
        <div class="actions"><button type="submit">${icon('search')}Find</button></div>
      </form>
      ${shown.length === 0 ? nobody(tenant, searched) : userTable(tenant, shown, now)}
      ${
        searched && users.length > perPage
          ? html`<p class="muted">The first ${perPage} of more: write more of it to find fewer.</p>`
          : ''
      }
      ${
        last === undefined && query('after') === ''
          ? ''
          : html`<nav class="pager" aria-label="Pages">
              ${query('after') === '' ? html`<span></span>` : html`<a class="button" href="?status=${query('status')}">First</a>`}
              ${last === undefined ? '' : html`<a class="button" href="?${older.toString()}">More</a>`}
            </nav>`
      }`,
  }
}

function nobody(tenant: Tenant, searched: boolean): Html {
  return html`<div class="card empty">
    <h2>${searched ? 'Nobody begins like that' : 'No users yet'}</h2>
    <p>
      ${
        searched
          ? 'The search looks at how a last name, an email, a username or a UserUUID begins; first and last name together are found too. Names of an import are found once it has ended.'
          : html`They come with the first file:
              <a href="${clientPath(tenant.id, '/drop')}">drop one</a>.`
      }
    </p>
  </div>`
}

function fields(user: NumberedUser): Html {
  const entries = Object.entries(user.fields).filter(([, value]) => value !== null)
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd class="lines">${value}</dd>`,
    )}
    <dt>Password</dt>
    <dd>${user.hasPassword ? 'Set' : 'None'}</dd>
  </dl>`
}
