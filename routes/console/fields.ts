import { html } from 'hono/html'
import { isAppError } from '../../src/domain/error.ts'
import type { ErrorCode } from '../../src/domain/error.ts'
import { ChangedSince, InvalidRequest, kinds } from '../problem.ts'
import { icon } from './icon.ts'
import type { Content, Html } from './page.ts'

/** What is wrong with a form: name of a field → what is needed; '' for the form as a whole. */
export type Faults = ReadonlyMap<string, string>

export const noFaults: Faults = new Map()

interface Field {
  name: string
  label: string
  value?: string | number | null | undefined
  hint?: Html | string
  type?: 'text' | 'email' | 'number' | 'password' | 'datetime-local' | 'url'
  /** More attributes of the input, as markup. */
  more?: Html
}

/** A labelled input with its hint and, after a try, what is wrong with it. */
export function textField(
  { name, label, value, hint, type = 'text', more }: Field,
  faults: Faults,
): Html {
  return html`<div class="field">
    <label for="f-${name}">${label}</label>
    <input
      id="f-${name}"
      name="${name}"
      type="${type}"
      value="${value ?? ''}"
      ${described(name, hint, faults)}
      ${more ?? ''}
    />
    ${below(name, hint, faults)}
  </div>`
}

/** The same with several lines. */
export function linesField({ name, label, value, hint, more }: Field, faults: Faults): Html {
  return html`<div class="field">
    <label for="f-${name}">${label}</label>
    <textarea
      id="f-${name}"
      name="${name}"
      spellcheck="false"
      ${described(name, hint, faults)}
      ${more ?? ''}
    >
${value ?? ''}</textarea>
    ${below(name, hint, faults)}
  </div>`
}

/** One of a few values. */
export function selectField(
  { name, label, value, hint }: Field,
  options: readonly (readonly [value: string, label: string])[],
  faults: Faults,
): Html {
  return html`<div class="field">
    <label for="f-${name}">${label}</label>
    <select id="f-${name}" name="${name}" ${described(name, hint, faults)}>
      ${options.map(
        ([one, text]) =>
          html`<option value="${one}" ${one === String(value ?? '') ? 'selected' : ''}>
            ${text}
          </option>`,
      )}
    </select>
    ${below(name, hint, faults)}
  </div>`
}

/** A claim to tick. */
export function tick({ name, label, hint, value = 'true' }: Field, ticked: boolean): Html {
  return html`<label class="choice">
    <input type="checkbox" name="${name}" value="${value}" ${ticked ? 'checked' : ''} />
    <span>${label}${hint === undefined ? '' : html`<span class="hint">${hint}</span>`}</span>
  </label>`
}

function described(name: string, hint: Field['hint'], faults: Faults): Html {
  const ids = [
    ...(faults.has(name) ? [`x-${name}`] : []),
    ...(hint === undefined ? [] : [`h-${name}`]),
  ]
  return html`${ids.length === 0 ? '' : html`aria-describedby="${ids.join(' ')}"`}
  ${faults.has(name) ? html`aria-invalid="true"` : ''}`
}

function below(name: string, hint: Field['hint'], faults: Faults): Html {
  const fault = faults.get(name)
  return html`${fault === undefined ? '' : html`<p class="fault" id="x-${name}">${sentence(fault)}</p>`}
  ${hint === undefined ? '' : html`<p class="hint" id="h-${name}">${hint}</p>`}`
}

function sentence(fault: string): string {
  const text = fault.charAt(0).toUpperCase() + fault.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Above a form that was not taken: that it was not, and what is wrong as a whole. */
export function faultBanner(faults: Faults): Html | '' {
  if (faults.size === 0) return ''
  const whole = faults.get('')
  return html`<p class="banner bad" role="alert">
    ${icon('warn')}
    <span
      >${whole === undefined ? 'Nothing was saved. Please look at the marked fields.' : sentence(whole)}</span
    >
  </p>`
}

/** Does `work`; what the caller can put right brings the form back with it. */
export async function orAgain(
  work: () => Promise<Content | Response>,
  again: (faults: Faults) => Content | Promise<Content>,
): Promise<Content | Response> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InvalidRequest) {
      const faults = new Map(error.faults.map(({ pointer, detail }) => [fieldOf(pointer), detail]))
      return { ...(await again(faults)), status: 422 }
    }
    if (error instanceof ChangedSince) {
      const text =
        'The settings were changed by someone else meanwhile: look at them, then save again'
      return { ...(await again(new Map([['', text]]))), status: 409 }
    }
    if (!isAppError(error, ...correctable)) throw error
    return { ...(await again(new Map([['', error.message]]))), status: statusOf(error.code) }
  }
}

const correctable: readonly ErrorCode[] = ['invalid', 'exists', 'conflict']

function statusOf(code: ErrorCode): 409 | 422 {
  return kinds[code].status === 409 ? 409 : 422
}

/** The field that a JSON pointer is about: `/settings/failedImportEmail/0` → `failedImportEmail`. */
function fieldOf(pointer: string): string {
  const [first = '', second = ''] = pointer.slice(1).split('/')
  return first === 'settings' ? second : first
}

/** The lines or the parts between commas, without blank ones. */
export function listOfText(text: string | null, separator: RegExp = /[\n,]/): string[] {
  return (text ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** The words of a list with `and`. */
export function inWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
