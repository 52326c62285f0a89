import { html } from 'hono/html'
import { counted } from '../../src/domain/figures.ts'
import type { RowFailure } from '../../src/domain/importer.ts'
import { isReasonCode, reasons } from '../../src/domain/reason.ts'
import type { Run } from '../../src/domain/run.ts'
import { shareBar } from './counts-bar.ts'
import type { Html } from './page.ts'

/** The reasons of failed rows with their counts; each leads to its rows. */
export function reasonList(run: Run, chosen: number | undefined): Html {
  const most = Math.max(1, ...run.reasons.map(({ count }) => count))
  const sorted = run.reasons.toSorted((a, b) => b.count - a.count)
  const link = (code: number): string =>
    code === chosen ? `/console/imports/${run.id}#failed-rows` : `?code=${code}#failed-rows`
  return html`<ul class="reasons">
    ${sorted.map(
      ({ code, count }) =>
        html`<li>
          <a href="${link(code)}" ${code === chosen ? html`aria-current="true"` : ''}>
            <span class="code">${code}</span>
            <span>${meaningOf(code)}</span>
            <span class="nowrap">${counted(count, 'row')}</span>
            ${shareBar(count / most, 'failed')}
          </a>
        </li>`,
    )}
  </ul>`
}

/** What a reason's code means, in a few words. */
export function meaningOf(code: number): string {
  return isReasonCode(code) ? reasons[code].meaning : 'unknown'
}

/** Failed rows with the client's own cells; the cells that are at fault are marked. */
export function failedRows(rows: readonly RowFailure[], headers: readonly string[]): Html {
  const width = Math.max(headers.length, ...rows.map(({ cells }) => cells.length))
  const names = Array.from({ length: width }, (_, at) => headers[at] ?? `Column ${at + 1}`)
  return html`<div class="scroll" role="region" aria-label="Failed rows" tabindex="0">
    <table class="cells">
      <thead>
        <tr>
          <th scope="col" class="number">Line</th>
          <th scope="col">Why, and how to put it right</th>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => failedRow(row, names))}
      </tbody>
    </table>
  </div>`
}

function failedRow({ line, reasons: found, cells, raw }: RowFailure, names: string[]): Html {
  const bad = new Set(found.map(({ field }) => field))
  const why = html`<ul>
    ${found.map(({ code, sentence }) => html`<li>${sentence}. <span class="muted small">${code}</span></li>`)}
  </ul>`
  const shown =
    raw === null
      ? names.map((name, at) => {
          const cell = cells[at] ?? ''
          const text = cell === '' ? html`<span class="blank">blank</span>` : cell
          return bad.has(name) ? html`<td class="bad">${text}</td>` : html`<td>${text}</td>`
        })
      : html`<td class="bad" colspan="${Math.max(1, names.length)}"><code>${raw}</code></td>`
  return html`<tr>
    <th scope="row" class="number">${line}</th>
    <td class="why">${why}</td>
    ${shown}
  </tr>`
}
