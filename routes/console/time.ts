import { html } from 'hono/html'
import { moment } from '../../src/domain/figures.ts'
import type { Html } from './page.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** `5 min ago` with the full time at hand, in the client's zone. */
export function ago(at: number, { now, timeZone }: { now: number; timeZone: string }): Html {
  return time(at, since(now - at), timeZone)
}

/** The full time: `2026-11-24 08:30:00 EST`. */
export function fullTime(at: number | null, timeZone: string): Html | string {
  return at === null ? '–' : time(at, moment(at, timeZone), timeZone)
}

function time(at: number, text: string, timeZone: string): Html {
  const iso = new Date(at).toISOString()
  return html`<time datetime="${iso}" title="${moment(at, timeZone)}">${text}</time>`
}

function since(milliseconds: number): string {
  if (milliseconds < minute) return 'just now'
  if (milliseconds < hour) return `${Math.floor(milliseconds / minute)} min ago`
  if (milliseconds < day) return `${Math.floor(milliseconds / hour)} h ago`
  const days = Math.floor(milliseconds / day)
  return days === 1 ? 'yesterday' : `${days} days ago`
}

/** How long something took: `0.4 s`, `12 s`, `3 min 20 s`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
