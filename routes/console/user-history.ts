import { html } from 'hono/html'
import { oneLine } from '../../src/domain/figures.ts'
import type { Run } from '../../src/domain/run.ts'
import type { NumberedUser, UserVersion } from '../../src/domain/user-reader.ts'
import type { Html } from './page.ts'
import { ago } from './time.ts'

type Values = Readonly<Record<string, string | boolean | null>>

interface Change {
  field: string
  from: string | null
  to: string | null
}

/** What each import did to the user, newest first. */
export function userHistory(
  user: NumberedUser,
  versions: readonly UserVersion[],
  runs: readonly (Run | undefined)[],
  context: { now: number; timeZone: string },
): Html {
  if (versions.length === 0) return html`<p class="muted">None is kept any more.</p>`
  let after: Values = { ...user.fields, active: user.active }
  const steps = versions.map((version, at) => {
    const changes = version.before === null ? null : changesBetween(version.before, after)
    after = version.before ?? after
    return step(version.runId, runs[at], changes, context)
  })
  return html`<ol class="timeline">
    ${steps}
  </ol>`
}

function step(
  runId: string,
  run: Run | undefined,
  changes: Change[] | null,
  context: { now: number; timeZone: string },
): Html {
  const name = run === undefined ? 'an import' : oneLine(run.filename, 80)
  return html`<li class="past">
    <strong
      >${changes === null ? 'Created' : 'Changed'} by
      <a href="/console/imports/${runId}">${name}</a></strong
    >
    <span class="muted small">${run === undefined ? '' : ago(run.createdAt, context)}</span>
    ${
      changes === null || changes.length === 0
        ? ''
        : html`<dl class="facts diff small">
            ${changes.map(
              ({ field, from, to }) =>
                html`<dt>${field}</dt>
                  <dd>
                    ${from === null ? '' : html`<del>${from}</del>`}
                    ${to === null ? '' : html`<ins>${to}</ins>`}
                  </dd>`,
            )}
          </dl>`
    }
  </li>`
}

function changesBetween(before: Values, after: Values): Change[] {
  return Object.keys(after)
    .filter((field) => before[field] !== after[field])
    .map((field) => ({ field, from: shown(before[field]), to: shown(after[field]) }))
}

function shown(value: string | boolean | null | undefined): string | null {
  if (typeof value === 'boolean') return value ? 'active' : 'inactive'
  return value ?? null
}
