import { html } from 'hono/html'
import { clearWord, columns, fieldNames, fileLimits } from '../../src/domain/format.ts'
import type { FieldName } from '../../src/domain/format.ts'
import { figure } from '../../src/domain/figures.ts'
import { reasonCodes, reasons } from '../../src/domain/reason.ts'
import { icon } from './icon.ts'
import { page } from './page.ts'
import type { ConsolePage, Html } from './page.ts'

/** What a file may look like, from the table that the import reads: for whoever makes the file. */
export function formatPage(): ConsolePage[] {
  return [
    page('GET /console/format', () => ({
      title: 'Columns of a file',
      body: html`<div class="head">
          <div class="head-text">
            <h1>Columns of a file</h1>
            <p>
              A row needs a UserUUID or an email; all other columns may be left out. A blank cell
              keeps what is stored, <code>${clearWord}</code> clears it. Up to
              ${figure(fileLimits.maxRows)} rows and ${figure(fileLimits.maxColumns)} columns.
            </p>
          </div>
          <div class="actions">
            <a class="button" href="/template.csv" download>${icon('down')}Template</a>
          </div>
        </div>
        <div class="scroll" role="region" aria-label="Columns" tabindex="0">
          <table class="wordy">
            <thead>
              <tr>
                <th scope="col">Column</th>
                <th scope="col">What it holds</th>
                <th scope="col" class="number">Characters</th>
                <th scope="col">Needed</th>
                <th scope="col">Other headers that are taken</th>
              </tr>
            </thead>
            <tbody>
              ${fieldNames.map(columnRow)}
            </tbody>
          </table>
        </div>
        <h2 id="reasons">Why a row or a file fails</h2>
        <div class="scroll" role="region" aria-label="Reasons" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">Code</th>
                <th scope="col">Meaning</th>
                <th scope="col">Of</th>
              </tr>
            </thead>
            <tbody>
              ${reasonCodes.map(
                (code) =>
                  html`<tr>
                    <th scope="row">${code}</th>
                    <td>${reasons[code].meaning}</td>
                    <td>${reasons[code].level}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
    })),
  ]
}

function columnRow(name: FieldName): Html {
  const { sentence, min, max, need, headers, invertedHeaders = [] } = columns[name]
  const inverted = invertedHeaders.map((header) => `${header} (the opposite)`)
  const length = max === null ? '' : min === undefined ? `${max}` : `${min} to ${max}`
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${sentence}</td>
    <td class="number">${length}</td>
    <td>${need}</td>
    <td class="small muted">${[...headers, ...inverted].join(', ')}</td>
  </tr>`
}
