import { html } from 'hono/html'
import { size } from '../../src/domain/figures.ts'
import type { Run } from '../../src/domain/run.ts'
import type { Html } from './page.ts'
import { isActive, sourceNames } from './run-row.ts'
import { stateLooks } from './state-pill.ts'
import { duration, fullTime } from './time.ts'

interface Step {
  tone: 'past' | 'now' | 'next' | 'bad' | 'warn'
  label: string
  text: Html | string
}

/** What has become of the file so far, step by step. */
export function timeline(run: Run, timeZone: string): Html {
  return html`<ol class="timeline">
    ${steps(run, timeZone).map(
      ({ tone, label, text }) =>
        html`<li class="${tone}">
          <strong>${label}</strong><span class="muted small">${text}</span>
        </li>`,
    )}
  </ol>`
}

function steps(run: Run, timeZone: string): Step[] {
  const at = (time: number | null): Html | string => fullTime(time, timeZone)
  const actor = run.actor === null ? '' : ` from ${run.actor}`
  const received: Step = {
    tone: 'past',
    label: 'Received',
    text: html`${at(run.createdAt)} · ${size(run.sizeBytes)} by ${sourceNames[run.source]}${actor}`,
  }
  const began: Step =
    run.startedAt === null
      ? { tone: isActive(run) ? 'next' : 'past', label: 'Reading', text: 'Waiting for its turn' }
      : {
          tone: run.state === 'parsing' ? 'now' : 'past',
          label: 'Reading',
          text: at(run.startedAt),
        }
  return [received, began, ...outcome(run, at), ...archive(run, at), ...mail(run)]
}

function outcome(run: Run, at: (time: number | null) => Html | string): Step[] {
  const { label, tone } = stateLooks[run.state]
  if (run.state === 'held') {
    return [{ tone: 'warn', label: 'Held', text: 'Nothing is written until it is approved' }]
  }
  if (isActive(run)) {
    return [
      {
        tone: run.state === 'applying' || run.state === 'archiving' ? 'now' : 'next',
        label: run.dryRun ? 'Checking rows' : 'Importing rows',
        text: run.state === 'applying' ? 'A batch at a time' : 'To come',
      },
    ]
  }
  const took =
    run.startedAt === null || run.finishedAt === null
      ? ''
      : ` · ${duration(run.finishedAt - run.startedAt)}`
  return [
    {
      tone: tone === 'bad' ? 'bad' : tone === 'warn' ? 'warn' : 'past',
      label: run.dryRun && tone !== 'bad' ? 'Checked, nothing was changed' : label,
      text: html`${at(run.finishedAt)}${took}`,
    },
  ]
}

function archive(run: Run, at: (time: number | null) => Html | string): Step[] {
  if (run.archivedAt !== null)
    return [{ tone: 'past', label: 'Archived', text: at(run.archivedAt) }]
  return [{ tone: 'next', label: 'Archive', text: 'The file moves to bak/ at the end' }]
}

function mail(run: Run): Step[] {
  if (run.mail === 'none') return []
  const steps: Readonly<Record<Exclude<Run['mail'], 'none'>, Step>> = {
    queued: { tone: 'now', label: 'Mail', text: 'On its way' },
    sent: { tone: 'past', label: 'Mail sent', text: 'See below for the answer of the mail server' },
    undelivered: { tone: 'bad', label: 'Mail not delivered', text: 'See below for the answer' },
    unconfigured: { tone: 'warn', label: 'No mail', text: 'The mail settings are missing' },
  }
  return [steps[run.mail]]
}
