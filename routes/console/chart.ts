import { html } from 'hono/html'
import { counted, figure } from '../../src/domain/figures.ts'
import type { DayFigures } from '../../src/domain/state.ts'
import type { Html } from './page.ts'

const dayMs = 86_400_000
// Across, everything is in per cent, so that the chart is as wide as its place and its words keep their size.
const height = 200
const bottom = 24
const top = 18

/** Rows and failed rows a day as an SVG, the newest day at the right. */
export function dayChart(
  figures: readonly DayFigures[],
  { now, days }: { now: number; days: number },
): Html {
  const byDay = new Map(figures.map((one) => [one.day, one]))
  const shown = Array.from({ length: days }, (_, index) => {
    const day = new Date(now - (days - 1 - index) * dayMs).toISOString().slice(0, 10)
    return byDay.get(day) ?? { day, runs: 0, rows: 0, failed: 0 }
  })
  const total = shown.reduce((sum, { rows }) => sum + rows, 0)
  const failed = shown.reduce((sum, one) => sum + one.failed, 0)
  const most = roundUp(Math.max(1, ...shown.map(({ rows }) => rows)))
  const step = 100 / days
  const high = height - bottom - top
  const y = (rows: number): number => top + high - (rows / most) * high
  const label = `Rows a day over ${days} days: ${counted(total, 'row')}, ${figure(failed)} failed`

  return html`<svg class="chart" width="100%" height="${height}" role="img" aria-label="${label}">
    ${[0, most / 2, most].map(
      (rows) =>
        html`<line
            class="grid"
            x1="0"
            x2="100%"
            y1="${y(rows).toFixed(1)}"
            y2="${y(rows).toFixed(1)}"
          ></line>
          ${rows === 0 ? '' : html`<text x="0" y="${(y(rows) - 5).toFixed(1)}">${short(rows)}</text>`}`,
    )}
    ${shown.map((one, index) => bars(one, { x: index * step, step, y }))}
    ${shown.map(({ day }, index) => dayLabel(day, index, days))}
  </svg>`
}

/** Every seventh day, and the newest, which ends with the chart. */
function dayLabel(day: string, index: number, days: number): Html | '' {
  const back = days - 1 - index
  if (back % 7 !== 0) return ''
  const place =
    back === 0
      ? html`x="100%" text-anchor="end"`
      : html`x="${(((index + 0.5) / days) * 100).toFixed(2)}%" text-anchor="middle"`
  return html`<text ${place} y="${height - 6}">${day.slice(5)}</text>`
}

function bars(
  { day, rows, failed }: DayFigures,
  { x, step, y }: { x: number; step: number; y: (rows: number) => number },
): Html | '' {
  if (rows === 0) return ''
  const at = `${(x + step * 0.16).toFixed(2)}%`
  const wide = `${(step * 0.68).toFixed(2)}%`
  // Failed rows lie on top, and a few of them are still seen.
  const failures = failed === 0 ? 0 : Math.max(2, y(rows - failed) - y(rows))
  const good = Math.max(0, y(0) - y(rows) - failures)
  return html`<g>
    <title>${day}: ${counted(rows, 'row')}, ${figure(failed)} failed</title>
    <rect
      class="rows"
      x="${at}"
      y="${(y(0) - good).toFixed(1)}"
      width="${wide}"
      height="${good.toFixed(1)}"
      rx="1.5"
    ></rect>
    ${
      failures === 0
        ? ''
        : html`<rect
            class="failures"
            x="${at}"
            y="${(y(0) - good - failures).toFixed(1)}"
            width="${wide}"
            height="${failures.toFixed(1)}"
            rx="1.5"
          ></rect>`
    }
  </g>`
}

/** The next 1, 2 or 5 with zeros, so that the scale reads well. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const first = [1, 2, 4, 5, 10].find((one) => one * power >= value) ?? 10
  return Math.max(2, first * power)
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  return value >= 1e4 ? `${value / 1e3} k` : figure(value)
}
