import { html } from 'hono/html'
import type { Run, RunState } from '../../src/domain/run.ts'
import { icon } from './icon.ts'
import type { IconName } from './icon.ts'
import type { Html } from './page.ts'

interface Look {
  label: string
  tone: 'ok' | 'warn' | 'bad' | 'calm' | 'busy'
  icon: IconName
}

/** How each state of an import is named and marked; never by colour alone. */
export const stateLooks: Readonly<Record<RunState, Look>> = {
  queued: { label: 'Queued', tone: 'calm', icon: 'clock' },
  parsing: { label: 'Reading', tone: 'busy', icon: 'work' },
  applying: { label: 'Importing', tone: 'busy', icon: 'work' },
  archiving: { label: 'Archiving', tone: 'busy', icon: 'work' },
  completed: { label: 'Completed', tone: 'ok', icon: 'check' },
  completed_with_failures: { label: 'With failures', tone: 'warn', icon: 'warn' },
  held: { label: 'Held', tone: 'warn', icon: 'hand' },
  duplicate: { label: 'Duplicate', tone: 'calm', icon: 'same' },
  failed: { label: 'Refused', tone: 'bad', icon: 'cross' },
  cancelled: { label: 'Cancelled', tone: 'calm', icon: 'cross' },
  rejected: { label: 'Rejected', tone: 'calm', icon: 'cross' },
  reverted: { label: 'Reverted', tone: 'calm', icon: 'back' },
}

/** The state of an import as a coloured word with an icon. */
export function statePill({ state }: Pick<Run, 'state'>): Html {
  return pill(stateLooks[state])
}

/** A word with an icon on its colour. */
export function pill({ label, tone, icon: name }: Look): Html {
  return html`<span class="pill ${tone}">${icon(name)}${label}</span>`
}
