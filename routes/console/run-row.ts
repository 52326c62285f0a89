import { html } from 'hono/html'
import { counted, figure, oneLine, size } from '../../src/domain/figures.ts'
import { activeStates } from '../../src/domain/run.ts'
import type { Run, RunSource } from '../../src/domain/run.ts'
import { countsBar } from './counts-bar.ts'
import type { Html } from './page.ts'
import { statePill } from './state-pill.ts'
import { ago } from './time.ts'

/** How a file came, in words. */
export const sourceNames: Readonly<Record<RunSource, string>> = {
  sftp: 'SFTP',
  ftps: 'FTPS',
  http: 'HTTP',
  console: 'Console',
  folder: 'Drop folder',
}

/** True while a worker has, or should have, the run. */
export function isActive({ state }: Pick<Run, 'state'>): boolean {
  return activeStates.some((active) => active === state)
}

/** True when the counts are what would have become of the rows. */
export function wroteNothing({ dryRun, state }: Pick<Run, 'dryRun' | 'state'>): boolean {
  return dryRun || state === 'held' || state === 'rejected'
}

/** Share of the file that was read. */
export function progressOf(run: Run): number {
  return run.sizeBytes === 0 ? 0 : Math.min(1, run.bytesRead / run.sizeBytes)
}

export interface RowContext {
  now: number
  timeZone: string
  /** Shown where runs of several clients are listed. */
  clientName?: string | undefined
}

/** One import in a list: name, figures, state; the whole row leads to its page. */
export function runRow(run: Run, context: RowContext): Html {
  const { clientName } = context
  return html`<li class="run">
    <div>
      <p class="run-name">
        <a href="/console/imports/${run.id}">${oneLine(run.filename, 120)}</a>
        ${run.dryRun ? html`<span class="tag">Check only</span>` : ''}
        ${run.mode === 'full' ? html`<span class="tag">Full file</span>` : ''}
      </p>
      <p class="run-meta">
        ${clientName === undefined ? '' : html`<span>${clientName}</span>`}
        <span>${sourceNames[run.source]}${run.actor === null ? '' : ` · ${run.actor}`}</span>
        <span>${size(run.sizeBytes)}</span>
        <span>${ago(run.createdAt, context)}</span>
      </p>
    </div>
    <div class="run-figures">${figures(run)}</div>
    <div class="run-state">${statePill(run)}</div>
  </li>`
}

function figures(run: Run): Html {
  const { counts } = run
  if (isActive(run)) {
    const share = progressOf(run)
    const label = `Import of ${oneLine(run.filename, 60)}`
    return html`<progress max="1" value="${share.toFixed(3)}" aria-label="${label}"></progress>
      <span
        >${run.state === 'queued' ? 'Waiting for its turn' : `${Math.round(share * 100)} % · ${counted(counts.rows, 'row')}${run.rowsPerSecond > 0 ? ` · ${figure(run.rowsPerSecond)} rows/s` : ''}`}</span
      >`
  }
  if (run.fileReason !== null && counts.rows === 0) {
    return html`<span>${oneLine(run.fileReason.sentence, 90)}</span>`
  }
  return html`${countsBar(counts)}
    <span
      ><strong>${counted(counts.rows, 'row')}</strong>${
        counts.failed > 0 ? html`, <strong>${figure(counts.failed)} failed</strong>` : ''
      }${changed(counts)}</span
    >`
}

/** What of it changed the directory, or would have: `, 12 created, 3 updated, 81 deactivated`. */
function changed({ created, updated, deactivated }: Run['counts']): string {
  const some =
    created + updated > 0 ? `, ${figure(created)} created, ${figure(updated)} updated` : ''
  return deactivated > 0 ? `${some}, ${figure(deactivated)} deactivated` : some
}
