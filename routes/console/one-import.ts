import { html } from 'hono/html'
import { counted, figure, oneLine, size } from '../../src/domain/figures.ts'
import type { Importer } from '../../src/domain/importer.ts'
import type { Run } from '../../src/domain/run.ts'
import type { OutboxStore, RunStore, TenantStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { UserReader } from '../../src/domain/user-reader.ts'
import { findRun, isSettled } from '../run-json.ts'
import { countsBar, countsLegend } from './counts-bar.ts'
import { failedRows, meaningOf, reasonList } from './failed-rows.ts'
import { readFirstRows, readReportHeader } from './first-rows.ts'
import { firstRowsTable } from './first-rows-table.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { mailList } from './mail-list.ts'
import { page } from './page.ts'
import type { ConsolePage, Html, Visit } from './page.ts'
import { runButtons } from './run-buttons.ts'
import { isActive, progressOf, wroteNothing } from './run-row.ts'
import { statePill } from './state-pill.ts'
import { timeline } from './timeline.ts'
import { absentTable } from './user-table.ts'

const rowsPerPage = 50
const previewRows = 5
const sampleUsers = 20
const activeMs = 1_000
const waitingMs = 4_000

/** One import: what became of the file, of each row, and of the mail, and what can be done about it. */
export function oneImport(options: {
  runs: Pick<RunStore, 'get'>
  tenants: Pick<TenantStore, 'get'>
  outbox: Pick<OutboxStore, 'forRun'>
  importer: Pick<Importer, 'failures'>
  files: Pick<FileStore, 'openRead'>
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
}): ConsolePage[] {
  const { runs, tenants, outbox } = options

  return [
    page('GET /console/imports/:id', async (visit) => {
      const run = await findRun(runs, visit.caller, visit.param('id'))
      const tenant = await tenants.get(run.tenantId)
      const timeZone = tenant?.settings.timeZone ?? 'UTC'
      const writes = visit.caller.scope !== 'monitor'
      const mails = writes ? await outbox.forRun(run.id) : []
      const body = html`${heading(run, tenant, writes)}
        <div class="columns">
          <div class="stack">
            <div id="outcome" data-live class="stack">
              ${notices(run, tenant)} ${rowsCard(run)} ${reasonCard(visit, run)}
            </div>
            ${writes ? await absent(options, run) : ''}
            ${writes ? await preview(options, run, tenant) : ''}
            <section class="card">
              <h2>The file</h2>
              ${facts(run)}
            </section>
          </div>
          <div class="stack" id="story" data-live>
            <section class="card">
              <h2>What happened</h2>
              ${timeline(run, timeZone)}
            </section>
            ${writes ? downloads(run) : ''}
            ${
              mails.length === 0
                ? ''
                : html`<section class="card">
                    <h2>Mail</h2>
                    ${mailList(mails, timeZone)}
                  </section>`
            }
          </div>
        </div>
        ${writes ? await failures(options, visit, run) : ''}`
      const liveMs = isSettled(run) ? undefined : isActive(run) ? activeMs : waitingMs
      return {
        title: oneLine(run.filename, 60),
        body,
        ...(liveMs === undefined ? {} : { liveMs }),
      }
    }),
  ]
}

function heading(run: Run, tenant: Tenant | undefined, writes: boolean): Html {
  return html`<div class="head">
    <div class="head-text">
      <p class="crumbs">
        <a href="/console/imports">Imports</a>${
          tenant === undefined
            ? ''
            : html` ·
              ${writes ? html`<a href="${clientPath(tenant.id)}">${tenant.name}</a>` : tenant.name}`
        }
      </p>
      <div class="title-row">
        <h1>${oneLine(run.filename, 200)}</h1>
        <span id="state" data-live aria-live="polite">${statePill(run)}</span>
        ${run.dryRun ? html`<span class="tag">Check only</span>` : ''}
        ${run.mode === 'full' ? html`<span class="tag">Full file</span>` : ''}
      </div>
    </div>
    ${writes ? runButtons(run) : ''}
  </div>`
}

function notices(run: Run, tenant: Tenant | undefined): Html {
  const tone = run.state === 'held' ? 'warn' : run.state === 'failed' ? 'bad' : 'info'
  return html`${
    run.fileReason === null
      ? ''
      : html`<p class="banner ${tone}">${icon('warn')} <span>${run.fileReason.sentence}.</span></p>`
  }
  ${
    run.dryRun &&
    run.archivedAt !== null &&
    run.state !== 'failed' &&
    run.columns.includes('password')
      ? html`<p class="banner info">
          ${icon('warn')}
          <span
            >Nothing was changed. The file has passwords, which are never kept: to import it,
            <a href="${clientPath(run.tenantId, '/drop')}">choose it again</a> and press
            Import.</span
          >
        </p>`
      : ''
  }
  ${
    run.mail === 'unconfigured' && tenant !== undefined
      ? html`<p class="banner warn">
          ${icon('mail')}
          <span
            >No mail can be sent: a mail setting is missing.
            <a href="${clientPath(tenant.id, '/settings')}">Set both addresses</a></span
          >
        </p>`
      : ''
  }
  ${run.notices.map(
    ({ code, sentence }) =>
      html`<p class="banner info">
        ${icon('warn')} <span>${sentence}. <span class="muted small">${code}</span></span>
      </p>`,
  )}`
}

function rowsCard(run: Run): Html {
  const { counts } = run
  if (isActive(run)) {
    const share = progressOf(run)
    return html`<section class="card">
      <h2>
        ${run.dryRun ? 'Checking' : 'Importing'}
        <span class="muted small">${Math.round(share * 100)} %</span>
      </h2>
      <progress
        max="1"
        value="${share.toFixed(3)}"
        aria-label="Share of the file that was read"
      ></progress>
      <p class="muted">
        ${counted(counts.rows, 'row')} so
        far${run.rowsPerSecond > 0 ? `, ${figure(run.rowsPerSecond)} a second` : ''}
      </p>
      ${countsLegend(counts, wroteNothing(run))}
    </section>`
  }
  return html`<section class="card">
    <h2>${counted(counts.rows, 'row')}</h2>
    ${countsBar(counts)} ${countsLegend(counts, wroteNothing(run))}
  </section>`
}

/** Of a held import: some of the users that it would deactivate. */
async function absent(
  { openUsers }: { openUsers: (tenantId: string) => Promise<UserReader | undefined> },
  run: Run,
): Promise<Html | ''> {
  if (run.state !== 'held') return ''
  const reader = await openUsers(run.tenantId)
  const found = (await reader?.absentUsers(run.id, sampleUsers)) ?? []
  if (found.length === 0) return ''
  return html`<section class="stack">
    <h2>
      Would be deactivated
      <span class="muted small"
        >${found.length < sampleUsers ? 'all of them' : `the first ${sampleUsers}`}</span
      >
    </h2>
    ${absentTable(run.tenantId, found)}
  </section>`
}

async function preview(
  { files }: { files: Pick<FileStore, 'openRead'> },
  run: Run,
  tenant: Tenant | undefined,
): Promise<Html | ''> {
  if (!run.dryRun || tenant === undefined || isActive(run)) return ''
  const found = await readFirstRows(files, run, tenant.settings, previewRows)
  return found === undefined || found.names.length === 0 ? '' : firstRowsTable(found)
}

/** The reason that the query names, when rows of the run have it. */
function chosenCode(visit: Visit, run: Run): number | undefined {
  const asked = Number(visit.query('code'))
  return run.reasons.some(({ code }) => code === asked) ? asked : undefined
}

function reasonCard(visit: Visit, run: Run): Html | '' {
  if (run.reasons.length === 0 || isActive(run)) return ''
  return html`<section class="card">
    <h2>Why ${counted(run.counts.failed, 'row')} failed</h2>
    ${reasonList(run, chosenCode(visit, run))}
  </section>`
}

async function failures(
  options: { importer: Pick<Importer, 'failures'>; files: Pick<FileStore, 'openRead'> },
  visit: Visit,
  run: Run,
): Promise<Html | ''> {
  if (run.counts.failed === 0 || isActive(run)) return ''
  const code = chosenCode(visit, run)
  const after = /^\d{1,9}$/.test(visit.query('after')) ? Number(visit.query('after')) : undefined
  const found = await options.importer.failures(run, {
    limit: rowsPerPage + 1,
    ...(after === undefined ? {} : { after }),
    ...(code === undefined ? {} : { code }),
  })
  const shown = found.slice(0, rowsPerPage)
  const last = found.length > rowsPerPage ? shown.at(-1) : undefined
  const query = (line: number | undefined): string =>
    new URLSearchParams({
      ...(code === undefined ? {} : { code: String(code) }),
      ...(line === undefined ? {} : { after: String(line) }),
    }).toString()
  return html`<div class="stack" id="failed-rows">
    <h2>Failed rows</h2>
    ${
      code === undefined
        ? ''
        : html`<p>
            Only rows with <strong>${code}, ${meaningOf(code)}</strong>.
            <a href="/console/imports/${run.id}#failed-rows">Show all failed rows</a>
          </p>`
    }
    ${failedRows(shown, await readReportHeader(options.files, run))}
    ${
      last === undefined && after === undefined
        ? ''
        : html`<nav class="pager" aria-label="Failed rows">
            ${
              after === undefined
                ? html`<span></span>`
                : html`<a class="button" href="?${query(undefined)}#failed-rows">First rows</a>`
            }
            ${
              last === undefined
                ? ''
                : html`<a class="button" href="?${query(last.line)}#failed-rows">More rows</a>`
            }
          </nav>`
    }
  </div>`
}

function downloads(run: Run): Html | '' {
  if (run.reportPath === null && run.archivedAt === null) return ''
  return html`<section class="card">
    <h2>Downloads</h2>
    <div class="actions">
      ${
        run.reportPath === null
          ? ''
          : html`<a class="button primary" href="/console/imports/${run.id}/failures.csv" download
              >${icon('down')}Failed rows</a
            >`
      }
      ${
        run.archivedAt === null
          ? ''
          : html`<a class="button" href="/console/imports/${run.id}/source.csv" download
              >${icon('down')}The file</a
            >`
      }
    </div>
    ${
      run.reportPath === null
        ? ''
        : html`<p class="hint">
            Correct the cells, save, and drop the file of failed rows as it is.
          </p>`
    }
  </section>`
}

const delimiterNames: Readonly<Record<string, string>> = {
  ',': 'Comma',
  ';': 'Semicolon',
  '\t': 'Tab',
  '|': 'Bar',
}

function facts(run: Run): Html {
  const entries: [string, Html | string][] = [
    ['Size', size(run.sizeBytes)],
    ['Encoding', run.encoding?.toUpperCase() ?? '–'],
    ['Delimiter', run.delimiter === null ? '–' : (delimiterNames[run.delimiter] ?? run.delimiter)],
    ['Columns', run.columns.length === 0 ? '–' : run.columns.join(', ')],
    ...(run.ignoredColumns.length === 0
      ? []
      : [['Ignored', run.ignoredColumns.join(', ')] satisfies [string, string]]),
    ['SHA-256', run.sha256 === null ? '–' : html`<code>${run.sha256.slice(0, 16)}…</code>`],
    ['Id', html`<code>${run.id}</code>`],
  ]
  return html`<dl class="facts">
    ${entries.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}
