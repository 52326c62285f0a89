import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { AppError } from '../../src/domain/error.ts'
import type { PenaltyBook } from '../../src/domain/penalty.ts'
import type { AuditStore } from '../../src/domain/state.ts'
import { audited } from '../audit-trail.ts'
import { checkAll } from '../health.ts'
import type { HealthCheck } from '../health.ts'
import type { Doors } from './doors.ts'
import { readForm } from './form.ts'
import { icon } from './icon.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Html } from './page.ts'
import { pill } from './state-pill.ts'
import { duration } from './time.ts'

const mostListed = 500

/** The server, for agents: its health, its doors, and addresses that are kept out. */
export function serverPages(options: {
  checks: readonly HealthCheck[]
  doors: () => Doors
  penalties: PenaltyBook
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}): ConsolePage[] {
  const { checks, doors, penalties, clock } = options
  const record = audited(options)

  return [
    page('GET /console/server', async () => {
      const results = await checkAll(checks)
      const well = results.every(({ ok }) => ok)
      const body = html`<div class="head">
          <div class="head-text">
            <h1>Server</h1>
            <p>
              <a href="/console/server/audit">Audit of the whole server</a> ·
              <a href="/console/server/tokens">Tokens of agents</a>
            </p>
          </div>
        </div>
        <div class="columns even">
          <section class="card" id="health" data-live>
            <h2>
              Health
              ${
                well
                  ? pill({ label: 'Ready', tone: 'ok', icon: 'check' })
                  : pill({ label: 'Not ready', tone: 'bad', icon: 'cross' })
              }
            </h2>
            <table>
              <thead class="seen-by-readers">
                <tr>
                  <th scope="col">Check</th>
                  <th scope="col">Result</th>
                </tr>
              </thead>
              <tbody>
                ${results.map(
                  ({ name, ok }) =>
                    html`<tr>
                      <th scope="row">${name}</th>
                      <td>
                        ${
                          ok
                            ? pill({ label: 'Well', tone: 'ok', icon: 'check' })
                            : pill({ label: 'Not well', tone: 'bad', icon: 'cross' })
                        }
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </section>
          <section class="card">
            <h2>Doors</h2>
            ${doorFacts(doors())}
          </section>
        </div>
        <section class="card" id="penalties" data-live>
          <h2>Penalties</h2>
          <p class="muted">
            Addresses that failed to log in too often. They may try again by themselves when their
            time is over.
          </p>
          ${penaltyTable(penalties, clock.now())}
        </section>`
      return { title: 'Server', body, liveMs: 5_000, liveEvents: '/console/server/events' }
    }),

    page('POST /console/server/penalties/lift', async (visit) => {
      const source = (await readForm(visit.context)).get('source') ?? ''
      if (!penalties.lift(source)) {
        throw new AppError(
          'not_found',
          `Cannot lift the penalty of "${source.slice(0, 60)}": it has none any more`,
        )
      }
      record(visit.caller, { event: 'SETTINGS', tenantId: null, path: 'penalties', detail: source })
      return done(visit, '/console/server', 'lifted')
    }),
  ]
}

function doorFacts({ sftpPort, ftpsPort, ftpsImplicitPort, hostKeyFingerprint }: Doors): Html {
  const facts: [string, Html | string][] = [
    ['SFTP', `port ${sftpPort}`],
    ['FTPS, explicit', `port ${ftpsPort}`],
    ['FTPS, implicit', `port ${ftpsImplicitPort}`],
    ['Host key', html`<code>${hostKeyFingerprint}</code>`],
  ]
  return html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}

function penaltyTable(book: PenaltyBook, now: number): Html {
  const listed = book.list().slice(0, mostListed)
  if (listed.length === 0) return html`<p>${icon('check')} None.</p>`
  return html`<div class="scroll" role="region" aria-label="Penalties" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col">Ends in</th>
          <th scope="col">State</th>
          <th scope="col"><span class="seen-by-readers">Actions</span></th>
        </tr>
      </thead>
      <tbody>
        ${listed.map(
          ({ source, until, enforced }) =>
            html`<tr>
              <th scope="row">${source}</th>
              <td>${duration(Math.max(0, until - now))}</td>
              <td>
                ${
                  enforced
                    ? pill({ label: 'Kept out', tone: 'bad', icon: 'hand' })
                    : pill({ label: 'Watched', tone: 'calm', icon: 'clock' })
                }
              </td>
              <td>
                <form class="row-actions" method="post" action="/console/server/penalties/lift">
                  <input type="hidden" name="source" value="${source}" />
                  <button type="submit" aria-label="Lift the penalty of ${source}">Lift</button>
                </form>
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
