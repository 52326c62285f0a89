import { html, raw } from 'hono/html'
import type { Html } from './page.ts'

// Drawn on a grid of 16 with a stroke of 1.5; `mark` is the product's own.
const paths = {
  mark: '<rect x="1" y="1" width="14" height="14" rx="4" class="mark-ground"/><path class="mark-line" d="M8 3.6v5.2M5.7 6.7 8 9l2.3-2.3M4.4 9.6v1.2c0 .9.6 1.5 1.5 1.5h4.2c.9 0 1.5-.6 1.5-1.5V9.6"/>',
  check: '<path d="m3.5 8.5 3 3 6-7"/>',
  cross: '<path d="m4.5 4.5 7 7m0-7-7 7"/>',
  warn: '<path d="M8 2.5 14 13H2L8 2.5Zm0 4v3m0 1.6v.2"/>',
  clock: '<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.2l2 1.3"/>',
  hand: '<path d="M5.5 3.5v9m5-9v9"/>',
  work: '<path d="M13 8a5 5 0 1 1-2.1-4.1M11 1.5v2.6H8.4"/>',
  same: '<path d="M3.5 6h9m-9 4h9"/>',
  back: '<path d="M6 4 2.5 7.5 6 11m-3-3.5h6.5a3 3 0 0 1 0 6H8"/>',
  file: '<path d="M4 1.8h5l3 3v9.4H4V1.8Zm5 0v3h3"/>',
  down: '<path d="M8 2.5v7M5 7l3 3 3-3M3 13.2h10"/>',
  up: '<path d="M8 10V3M5 5.5l3-3 3 3M3 13.2h10"/>',
  copy: '<path d="M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8v-8Z"/>',
  mail: '<path d="M2 3.8h12v8.4H2V3.8Zm0 .4 6 4.6 6-4.6"/>',
  search: '<circle cx="7" cy="7" r="4"/><path d="m10 10 3.5 3.5"/>',
} as const

export type IconName = keyof typeof paths

/** An icon beside a word; it says nothing by itself. */
export function icon(name: IconName): Html {
  return html`<svg
    class="icon icon-${name}"
    viewBox="0 0 16 16"
    aria-hidden="true"
    focusable="false"
  >
    ${raw(paths[name])}
  </svg>`
}

/** The icon of the page in a browser's tab. */
export const iconFile = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" rx="4" fill="#1d4fb8"/><path fill="none" stroke="#fff" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" d="M8 3.6v5.2M5.7 6.7 8 9l2.3-2.3M4.4 9.6v1.2c0 .9.6 1.5 1.5 1.5h4.2c.9 0 1.5-.6 1.5-1.5V9.6"/></svg>`
