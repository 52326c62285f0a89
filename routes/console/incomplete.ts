import { html } from 'hono/html'
import type { Clock } from '../../src/domain/clock.ts'
import { size } from '../../src/domain/figures.ts'
import {
  baseName,
  clientFolders,
  dropPath,
  dropRoot,
  incompleteName,
} from '../../src/domain/layout.ts'
import type { FileStore, StoredFile } from '../../src/domain/storage.ts'
import type { Operations } from '../operations.ts'
import { clientOf } from './client.ts'
import { clientEvents } from './frame.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage } from './page.ts'
import { ago } from './time.ts'

const ending = incompleteName('')

/** What lies in a client's drop folder of uploads that were cut. */
export async function cutUploads(
  files: Pick<FileStore, 'list'>,
  tenantId: string,
): Promise<StoredFile[]> {
  const folders = [dropRoot(tenantId), ...clientFolders.map((name) => dropPath(tenantId, '', name))]
  const found: StoredFile[] = []
  for (const folder of folders) {
    const listed = await files.list(folder)
    found.push(...listed.filter(({ path }) => path.endsWith(ending)))
  }
  return found
}

/** Uploads that were cut: kept for a day, to be gone on with by their own account. */
export function incompletePages(options: {
  operations: Operations
  files: Pick<FileStore, 'list'>
  clock: Clock
}): ConsolePage[] {
  const { operations, files, clock } = options

  return [
    page('GET /console/clients/:tenant/incomplete', async (visit) => {
      const tenant = await clientOf(visit, operations.tenants)
      const found = await cutUploads(files, tenant.id)
      const now = clock.now()
      const { timeZone } = tenant.settings
      const body = html`<div class="head">
          <div class="head-text">
            <h1>Incomplete uploads</h1>
            <p>
              Connections that were lost before the end of a file. They are never imported; the
              account can go on with them for 24 hours, or send the file again.
            </p>
          </div>
        </div>
        <div id="incomplete" data-live>
          ${
            found.length === 0
              ? html`<div class="card empty">
                  <p class="empty-mark">${icon('check')}</p>
                  <h2>None</h2>
                  <p>Every upload has ended as it should.</p>
                </div>`
              : html`<div class="scroll" role="region" aria-label="Incomplete uploads" tabindex="0">
                  <table>
                    <thead>
                      <tr>
                        <th scope="col">File</th>
                        <th scope="col" class="number">Arrived so far</th>
                        <th scope="col">Cut</th>
                      </tr>
                    </thead>
                    <tbody>
                      ${found.map(
                        ({ path, size: bytes, modifiedAt }) =>
                          html`<tr>
                            <th scope="row">${baseName(path).slice(0, -ending.length)}</th>
                            <td class="number">${size(bytes)}</td>
                            <td>${ago(modifiedAt, { now, timeZone })}</td>
                          </tr>`,
                      )}
                    </tbody>
                  </table>
                </div>`
          }
        </div>`
      return {
        title: 'Incomplete uploads',
        tenantId: tenant.id,
        body,
        liveMs: 10_000,
        liveEvents: clientEvents(tenant.id, 'incomplete'),
      }
    }),
  ]
}
