import { html } from 'hono/html'
import type { ColumnTarget } from '../../src/domain/header.ts'
import type { FirstRows } from './first-rows.ts'
import type { Html } from './page.ts'

/** The first rows of a file under what each column was recognised as. */
export function firstRowsTable({ names, targets, rows }: FirstRows): Html {
  return html`<section class="card">
    <h2>Columns and first rows</h2>
    <div class="scroll" role="region" aria-label="Columns and first rows" tabindex="0">
      <table class="cells">
        <thead>
          <tr>
            ${names.map((name, at) => html`<th scope="col">${name}<br />${recognised(targets[at] ?? null)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (cells) =>
              html`<tr>
                ${names.map((_, at) => html`<td>${cells[at] ?? ''}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}

function recognised(target: ColumnTarget): Html {
  if (target === null) return html`<span class="pill calm">not used</span>`
  return html`<span class="pill ok">${target === 'deactivate' ? 'status, inverted' : target}</span>`
}
