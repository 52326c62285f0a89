import { html } from 'hono/html'
import { AppError } from '../../src/domain/error.ts'
import { size } from '../../src/domain/figures.ts'
import type { Importer } from '../../src/domain/importer.ts'
import type { Tenant } from '../../src/domain/tenant.ts'
import type { Operations } from '../operations.ts'
import type { Spent } from '../multipart.ts'
import { openUpload } from '../upload.ts'
import { clientOf } from './client.ts'
import { clientPath } from './frame.ts'
import { icon } from './icon.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Html } from './page.ts'

/** The drop area: a CSV by the browser, checked first or imported at once. */
export function dropPages(options: {
  operations: Operations
  importer: Pick<Importer, 'submit'>
  maxBytes: number
  isStopping?: () => boolean
  onSpent?: Spent
}): ConsolePage[] {
  const { operations, importer, maxBytes } = options

  return [
    page('GET /console/clients/:tenant/drop', async (visit) => {
      const tenant = await clientOf(visit, operations.tenants)
      const asked = visit.query('mode')
      const mode = asked === 'full' || asked === 'delta' ? asked : tenant.settings.mode
      return { title: 'Drop a file', tenantId: tenant.id, body: dropBody(tenant, mode, maxBytes) }
    }),

    page('POST /console/clients/:tenant/drop', async (visit) => {
      const tenant = await clientOf(visit, operations.tenants)
      if (options.isStopping?.() === true) {
        throw new AppError('unavailable', 'Cannot import now: the service stops, try again soon')
      }
      const upload = await openUpload(visit.context.req.raw, {
        filename: undefined,
        maxBytes,
        onSpent: options.onSpent,
      })
      const dryRun = visit.query('dryRun') === 'true'
      try {
        const run = await importer.submit({
          tenantId: tenant.id,
          filename: upload.filename,
          source: 'console',
          actor: visit.caller.name,
          dryRun,
          mode: visit.query('mode') === 'full' ? 'full' : 'delta',
          body: upload.bytes,
          maxBytes,
        })
        return done(visit, `/console/imports/${run.id}`, dryRun ? undefined : 'imported')
      } finally {
        await upload.bytes.return(undefined)
      }
    }),
  ]
}

/** A limit is not rounded up: a file of 1.09 GB would be refused under `1.1 GB`. */
function most(bytes: number): string {
  return bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30} GiB` : size(bytes)
}

function dropBody(tenant: Tenant, mode: 'delta' | 'full', maxBytes: number): Html {
  const path = clientPath(tenant.id, '/drop')
  const choice = (value: 'delta' | 'full', label: string): Html =>
    html`<a href="?mode=${value}" ${mode === value ? html`aria-current="true"` : ''}>${label}</a>`
  return html`<div class="head">
      <div class="head-text">
        <h1>Drop a file</h1>
        <p>
          It is checked first: you see its columns, what would change and every row that would fail.
          Then you import it, or not.
        </p>
      </div>
    </div>
    <form
      class="card"
      method="post"
      enctype="multipart/form-data"
      action="${path}?mode=${mode}&dryRun=true"
    >
      <nav class="segments" aria-label="What the file has">
        ${choice('delta', 'Some of the users')} ${choice('full', 'All users')}
      </nav>
      <p class="muted small">
        ${
          mode === 'full'
            ? 'Users that this client has and the file lacks are set inactive. Over the limit of the settings the import is held for approval.'
            : 'Only the users in the file are created or changed; nobody else is touched.'
        }
      </p>
      <label class="drop-area">
        ${icon('up')}
        <strong>Drag a CSV here, or choose one</strong>
        <span class="muted small">.csv, .txt or .tsv, up to ${most(maxBytes)}</span>
        <input type="file" name="file" accept=".csv,.txt,.tsv,text/csv" required />
        <span data-told role="status"></span>
      </label>
      <progress hidden aria-label="Upload"></progress>
      <div class="actions">
        <button class="primary" type="submit" formaction="${path}?mode=${mode}&dryRun=true">
          Check it first
        </button>
        <button type="submit" formaction="${path}?mode=${mode}">Import without a check</button>
      </div>
    </form>
    <p class="muted small">
      The columns and their rules: <a href="/template.csv">a template</a>,
      <a href="/console/format">all columns</a>.
    </p>`
}
