import { html } from 'hono/html'
import { counted, figure } from '../../src/domain/figures.ts'
import { nextState } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { Html } from './page.ts'

interface Action {
  name: 'approve' | 'reject' | 'cancel' | 'retry' | 'revert' | 'import'
  label: string
  tone: 'primary' | 'danger' | ''
  /** What it will do, said before it is done. */
  effect: Html | string
  /** A field beside the note, such as the force of a retry. */
  extra?: Html
  note: boolean
}

/** What can be done with the run in its state; each button first says what it will do. */
export function runButtons(run: Run): Html | '' {
  const actions = actionsOf(run)
  if (actions.length === 0) return ''
  return html`<div class="actions" id="actions" data-live>
    ${actions.map((action) => panel(run, action))}
  </div>`
}

function panel(run: Run, { name, label, tone, effect, extra, note }: Action): Html {
  return html`<details class="action">
    <summary class="button ${tone}">${label}</summary>
    <form class="action-panel" method="post" action="/console/imports/${run.id}/${name}">
      <p>${effect}</p>
      ${extra ?? ''}
      ${
        note
          ? html`<div class="field">
              <label for="note-${name}">Note <span class="hint">(kept in the audit)</span></label>
              <textarea id="note-${name}" name="note" maxlength="500"></textarea>
            </div>`
          : ''
      }
      <button class="${tone === '' ? 'primary' : tone}" type="submit">${label} now</button>
    </form>
  </details>`
}

function actionsOf(run: Run): Action[] {
  const { counts } = run
  const actions: Action[] = []
  if (nextState(run.state, 'approve') !== undefined) {
    const reason = run.fileReason?.sentence
    actions.push({
      name: 'approve',
      label: 'Approve',
      tone: 'primary',
      effect: html`The import goes on and sets the users that the file lacks inactive; nobody is
      deleted.${reason === undefined ? '' : html` <strong>${reason}.</strong>`}`,
      note: true,
    })
  }
  if (nextState(run.state, 'reject') !== undefined) {
    actions.push({
      name: 'reject',
      label: 'Reject',
      tone: 'danger',
      effect:
        'Nothing of this file is imported and no user is changed. It moves to bak/ as rejected, and the client is told by mail.',
      note: true,
    })
  }
  if (nextState(run.state, 'cancel') !== undefined) {
    const written = counts.created + counts.updated
    actions.push({
      name: 'cancel',
      label: 'Cancel',
      tone: 'danger',
      effect: `The import stops at its next batch. What was written by then stays (so far ${counted(written, 'user')}); you can revert it afterwards.`,
      note: true,
    })
  }
  const isOver = run.archivedAt !== null
  if (isOver && run.dryRun && run.state !== 'failed' && !run.columns.includes('password')) {
    actions.push({
      name: 'import',
      label: 'Import this file',
      tone: 'primary',
      effect: `The same file is imported for good: ${sentenceOf(run)}. Rows that fail are left out and mailed back.`,
      note: false,
    })
  }
  if (isOver && !run.dryRun) actions.push(retry(run))
  if (nextState(run.state, 'revert') !== undefined && !run.dryRun && isOver) {
    actions.push({
      name: 'revert',
      label: 'Revert',
      tone: 'danger',
      effect: `Removes the ${counted(counts.created, 'user')} that it created and puts back the ${counted(counts.updated + counts.deactivated, 'user')} that it changed. When any of them was changed since, nothing is done and you are told which.`,
      note: true,
    })
  }
  return actions
}

function retry(run: Run): Action {
  const passwords = run.columns.includes('password')
    ? ' The archive holds no passwords: users who are new get none.'
    : ''
  return {
    name: 'retry',
    label: 'Import again',
    tone: '',
    effect: `Imports the archived file as a new run. Users that are as in the file already stay untouched.${passwords}`,
    extra: html`<label class="choice">
      <input type="checkbox" name="force" value="true" />
      <span>Also when it is identical to the last import</span>
    </label>`,
    note: false,
  }
}

function sentenceOf({ counts }: Run): string {
  const parts = [
    `${figure(counts.created)} to create`,
    `${figure(counts.updated)} to change`,
    ...(counts.deactivated > 0 ? [`${figure(counts.deactivated)} to deactivate`] : []),
    ...(counts.failed > 0 ? [`${figure(counts.failed)} that fail`] : []),
  ]
  return parts.join(', ')
}
