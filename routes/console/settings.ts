import { html } from 'hono/html'
import { fieldNames } from '../../src/domain/format.ts'
import type { Tenant, TenantSettings } from '../../src/domain/tenant.ts'
import type { Operations } from '../operations.ts'
import { parseValue } from '../parse.ts'
import { settingsPatch } from '../settings-schema.ts'
import { tenantTag } from '../tenant-operations.ts'
import { clientOf } from './client.ts'
import {
  faultBanner,
  linesField,
  listOfText,
  noFaults,
  orAgain,
  selectField,
  textField,
  tick,
} from './fields.ts'
import type { Faults } from './fields.ts'
import { readForm } from './form.ts'
import { clientPath } from './frame.ts'
import { zones } from './new-client.ts'
import { done, page } from './page.ts'
import type { ConsolePage, Content, Html } from './page.ts'

/** The settings of a client, with a test mail. */
export function settingsPages(options: {
  operations: Operations
  queueTestMail: (tenantId: string) => Promise<void>
}): ConsolePage[] {
  const { tenants } = options.operations

  const show = (tenant: Tenant, given: URLSearchParams | undefined, faults: Faults): Content => ({
    title: 'Settings',
    tenantId: tenant.id,
    body: settingsBody(tenant, given, faults),
  })

  return [
    page('GET /console/clients/:tenant/settings', async (visit) =>
      show(await clientOf(visit, tenants), undefined, noFaults),
    ),
    page('POST /console/clients/:tenant/settings', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      const given = await readForm(visit.context)
      return orAgain(
        async () => {
          const changes = parseValue(settingsPatch, valuesOf(given))
          const version = given.get('version') ?? tenantTag(tenant)
          await tenants.changeSettings(visit.caller, tenant.id, changes, version)
          return done(visit, clientPath(tenant.id, '/settings'), 'saved')
        },
        (faults) => show(tenant, given, faults),
      )
    }),
    page('POST /console/clients/:tenant/test-mail', async (visit) => {
      const tenant = await clientOf(visit, tenants)
      await options.queueTestMail(tenant.id)
      return done(visit, clientPath(tenant.id, '/outbox'), 'queued')
    }),
  ]
}

/** The form's fields as a body of PATCH /settings. */
function valuesOf(given: URLSearchParams): unknown {
  const text = (name: string): string => (given.get(name) ?? '').trim()
  const orNull = (name: string): string | null => (text(name) === '' ? null : text(name))
  const number = (name: string): number | string =>
    /^-?\d+(?:\.\d+)?$/.test(text(name)) ? Number(text(name)) : text(name)
  const share = number('guardShare')
  return {
    replyTo: orNull('replyTo'),
    failedImportEmail: listOfText(given.get('failedImportEmail')),
    mode: text('mode'),
    fullFolder: given.get('fullFolder') === 'true',
    blankCells: text('blankCells'),
    requiredFields: given.getAll('requiredFields'),
    columnMap: columnMapOf(given.get('columnMap')),
    defaultLoginSource: orNull('defaultLoginSource'),
    datePattern: orNull('datePattern'),
    settleSeconds: number('settleSeconds'),
    archiveDays: number('archiveDays'),
    guard: {
      floor: number('guardFloor'),
      share: typeof share === 'number' ? share / 100 : share,
      cap: number('guardCap'),
    },
    mailFailures: given.get('mailFailures') === 'true',
    mailCompleted: text('mailCompleted'),
    silenceHours: text('silenceHours') === '' ? null : number('silenceHours'),
    timeZone: text('timeZone'),
  }
}

/** Lines such as `Staff Number = employeeNo`. */
function columnMapOf(text: string | null): Record<string, string> {
  return Object.fromEntries(
    listOfText(text, /\n/).map((line): [string, string] => {
      const at = line.lastIndexOf('=')
      return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

/** What the fields show: what is stored, or what was given and not taken. */
function shownValues({ settings }: Tenant, given: URLSearchParams | undefined) {
  const stored: Record<string, string> = {
    replyTo: settings.replyTo ?? '',
    failedImportEmail: settings.failedImportEmail.join(', '),
    mode: settings.mode,
    blankCells: settings.blankCells,
    columnMap: Object.entries(settings.columnMap)
      .map(([name, field]) => `${name} = ${field}`)
      .join('\n'),
    defaultLoginSource: settings.defaultLoginSource ?? '',
    datePattern: settings.datePattern ?? '',
    settleSeconds: String(settings.settleSeconds),
    archiveDays: String(settings.archiveDays),
    guardFloor: String(settings.guard.floor),
    guardShare: String(Math.round(settings.guard.share * 10_000) / 100),
    guardCap: String(settings.guard.cap),
    mailCompleted: settings.mailCompleted,
    silenceHours: settings.silenceHours === null ? '' : String(settings.silenceHours),
    timeZone: settings.timeZone,
  }
  return {
    text: (name: string): string => given?.get(name) ?? stored[name] ?? '',
    flag: (name: 'fullFolder' | 'mailFailures'): boolean =>
      given === undefined ? settings[name] : given.get(name) === 'true',
    required: (field: TenantSettings['requiredFields'][number]): boolean =>
      given === undefined
        ? settings.requiredFields.includes(field)
        : given.getAll('requiredFields').includes(field),
  }
}

function settingsBody(tenant: Tenant, given: URLSearchParams | undefined, faults: Faults): Html {
  const { text, flag, required } = shownValues(tenant, given)
  const number = html`inputmode="decimal"`
  return html`<div class="head">
      <div class="head-text"><h1>Settings</h1></div>
      <div class="actions">
        <form method="post" action="${clientPath(tenant.id, '/test-mail')}">
          <button type="submit">Send a test mail</button>
        </form>
      </div>
    </div>
    ${faultBanner(faults)}
    <form class="fields" method="post" action="${clientPath(tenant.id, '/settings')}">
      <input type="hidden" name="version" value="${given?.get('version') ?? tenantTag(tenant)}" />
      <div class="columns even">
        <section class="card">
          <h2>Mail</h2>
          ${textField({ name: 'replyTo', label: 'Reply-to Admin Email Address', value: text('replyTo'), hint: 'Mails come from it, and answers go to it' }, faults)}
          ${textField({ name: 'failedImportEmail', label: 'Failed Import Email', value: text('failedImportEmail'), hint: 'Who gets the rows that failed; several with commas' }, faults)}
          ${tick({ name: 'mailFailures', label: 'Mail when rows have failed' }, flag('mailFailures'))}
          ${selectField(
            {
              name: 'mailCompleted',
              label: 'Mail when an import is completed',
              value: text('mailCompleted'),
            },
            [
              ['never', 'Never'],
              ['always', 'After each import'],
              ['daily', 'Once a day'],
            ],
            faults,
          )}
          ${textField({ name: 'silenceHours', label: 'Mail when no file came for', value: text('silenceHours'), hint: 'Hours; empty: never', more: number }, faults)}
          ${textField({ name: 'timeZone', label: 'Time zone', value: text('timeZone'), hint: 'For times in mails and here', more: html`list="zones"` }, faults)}
          ${zones()}
        </section>
        <section class="card">
          <h2>What a file does</h2>
          ${selectField(
            { name: 'mode', label: 'A file has', value: text('mode') },
            [
              ['delta', 'Some of the users: only they are touched'],
              ['full', 'All users: who is missing is set inactive'],
            ],
            faults,
          )}
          ${tick({ name: 'fullFolder', label: 'A folder full/ for full files', hint: 'Files dropped there have all users, whatever is set above' }, flag('fullFolder'))}
          ${selectField(
            { name: 'blankCells', label: 'A blank cell', value: text('blankCells') },
            [
              ['keep', 'Keeps what is stored'],
              ['clear', 'Clears what is stored'],
            ],
            faults,
          )}
          <fieldset>
            <legend>Hold a full file that deactivates more than</legend>
            <div class="pair">
              ${textField({ name: 'guardShare', label: 'Per cent of active users', value: text('guardShare'), more: number }, faults)}
              ${textField({ name: 'guardFloor', label: 'but at least this many', value: text('guardFloor'), more: number }, faults)}
              ${textField({ name: 'guardCap', label: 'and at most this many', value: text('guardCap'), more: number }, faults)}
            </div>
            ${faults.has('guard') ? html`<p class="fault">${faults.get('guard')}</p>` : ''}
          </fieldset>
        </section>
        <section class="card">
          <h2>Reading a file</h2>
          ${linesField({ name: 'columnMap', label: 'More names of columns', value: text('columnMap'), hint: 'One a line: Header in the file = field', more: html`placeholder="Staff Number = employeeNo"` }, faults)}
          ${textField({ name: 'defaultLoginSource', label: 'Login source of new users', value: text('defaultLoginSource'), hint: 'Where the row names none' }, faults)}
          ${textField({ name: 'datePattern', label: 'Another way to write dates of birth', value: text('datePattern'), hint: 'Besides YYYY-MM-DD, such as DD/MM/YYYY' }, faults)}
          <div class="pair">
            ${textField({ name: 'settleSeconds', label: 'Seconds of quiet before import', value: text('settleSeconds'), more: number }, faults)}
            ${textField({ name: 'archiveDays', label: 'Days that bak/ is kept', value: text('archiveDays'), more: number }, faults)}
          </div>
        </section>
        <section class="card">
          <h2>Fields that every row must have</h2>
          <fieldset class="pair tight">
            <legend class="seen-by-readers">Required fields</legend>
            ${fieldNames.map((field) => tick({ name: 'requiredFields', value: field, label: field }, required(field)))}
          </fieldset>
          ${faults.has('requiredFields') ? html`<p class="fault">${faults.get('requiredFields')}</p>` : ''}
        </section>
      </div>
      <div class="actions sticky"><button class="primary" type="submit">Save</button></div>
    </form>`
}
