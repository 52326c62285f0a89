import { html } from 'hono/html'
import { figure } from '../../src/domain/figures.ts'
import type { RunCounts } from '../../src/domain/run.ts'
import type { Html } from './page.ts'

/** What becomes of a row, in the order of the bar. */
const countNames = {
  created: 'Created',
  updated: 'Updated',
  unchanged: 'Unchanged',
  skipped: 'Skipped',
  failed: 'Failed',
} as const

type CountName = keyof typeof countNames

const names: readonly CountName[] = ['created', 'updated', 'unchanged', 'skipped', 'failed']
const width = 1000
// A single failed row among a million is still seen.
const least = 6

/** The rows of an import as one bar of coloured parts, wide by their share. */
export function countsBar(counts: RunCounts): Html {
  const shown = names.filter((name) => counts[name] > 0)
  const spoken = shown.map((name) => `${figure(counts[name])} ${name}`).join(', ')
  const total = Math.max(1, counts.rows)
  const wide = shown.map((name) => Math.max(least, (counts[name] / total) * width))
  const scale = width / Math.max(width, sum(wide))
  let x = 0
  const parts = shown.map((name, index) => {
    const part = (wide[index] ?? 0) * scale
    const rect = html`<rect
      class="${name}"
      x="${x.toFixed(1)}"
      width="${part.toFixed(1)}"
      height="10"
    ></rect>`
    x += part
    return rect
  })
  return html`<svg
    class="bar"
    viewBox="0 0 ${width} 10"
    preserveAspectRatio="none"
    role="img"
    aria-label="${spoken === '' ? 'No rows yet' : spoken}"
  >
    ${parts}
  </svg>`
}

/** One share as a bar, for lists. */
export function shareBar(share: number, name: CountName): Html {
  const part = Math.max(least, Math.min(1, share) * width).toFixed(1)
  return html`<svg
    class="bar"
    viewBox="0 0 ${width} 10"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    <rect class="${name}" width="${part}" height="10"></rect>
  </svg>`
}

/** The figures behind the bar; `would`: nothing of it was written. */
export function countsLegend(counts: RunCounts, would: boolean): Html {
  const extra = counts.deactivated > 0 ? ([['deactivated', 'Deactivated']] as const) : []
  const entries = [...names.map((name) => [name, countNames[name]] as const), ...extra]
  return html`<dl class="legend">
    ${entries.map(
      ([name, label]) =>
        html`<div>
          <dt>
            <i class="${name}"></i
            >${would && name !== 'failed' ? `Would be ${label.toLowerCase()}` : label}
          </dt>
          <dd>${figure(counts[name])}</dd>
        </div>`,
    )}
  </dl>`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
