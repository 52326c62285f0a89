import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { peer } from '../support/peers.ts'
import { openDesk } from './desk.ts'
import type { Dropped } from './desk.ts'

// Debian package libreoffice-calc-nogui.
const soffice = peer('soffice')
const top = mkdtempSync(join(tmpdir(), 'rosterdrop-spreadsheet-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))
let folders = 0

/** Opens a file in LibreOffice Calc and saves it as another kind. */
function resaved(bytes: Uint8Array, from: string, filter: string, to: string): Buffer {
  folders += 1
  const folder = join(top, String(folders))
  mkdirSync(join(folder, 'saved'), { recursive: true })
  const path = join(folder, `report.${from}`)
  writeFileSync(path, bytes)
  const { status, stderr } = spawnSync(
    soffice ?? '',
    [
      '--headless',
      `-env:UserInstallation=file://${join(top, 'profile')}`,
      ...(filter === '' ? [] : [`--infilter=${filter}`]),
      '--convert-to',
      to,
      '--outdir',
      join(folder, 'saved'),
      path,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  )
  if (status !== 0) throw new Error(stderr)
  return readFileSync(join(folder, 'saved', `report.${to.split(':')[0]}`))
}

// Delimiter comma (44), quotes (34), UTF-8 (76), from line 1, no column formats, no language; then "Format quoted
// field as text", which is off where nobody ticks it, and no detection of dates and the like.
const opened = (quotedAsText: boolean): string => `CSV:44,34,76,1,,0,${quotedAsText},false`
// As a spreadsheet in much of Europe and Quebec saves it: semicolons, Windows-1252, and no quotes that are not needed.
const saved = 'csv:Text - txt - csv (StarCalc):59,34,ANSI,1,,0,false,true,false'

const viaCsv = (report: Uint8Array, quotedAsText: boolean): Buffer =>
  resaved(report, 'csv', opened(quotedAsText), saved)
const viaWorkbook = (report: Uint8Array, quotedAsText: boolean): Buffer =>
  resaved(resaved(report, 'csv', opened(quotedAsText), 'xlsx'), 'xlsx', '', saved)

const header = 'UserUUID,email,firstName,lastName,Shoe size,phoneCell,employeeNo,street,dateOfBirth'
/** What a spreadsheet may trip over, in rows that each have one fault: the address is "nobody", or a quote stays open. */
const rows = [
  '00000101,nobody,Zoë,Ægir–Leclerc’s,38,+1 613 555 0100,007,"12 Main St\nUnit ""4"", rear",2001-02-03',
  "00000102,nobody,=Ann,-Lee,'=1+1,-5,1/2,@home,1999-12-31",
  '00000103,nobody,TRUE,"O""Brien; née Côté, Jr.",1e5,€5,12345678901234567890,"  \tx",2000-02-29',
  '00000104,nobody,Ab,,,,,,',
  '00000105,eve@x.ca,"Eve,=1,,,,,',
]
const file = `${header}\n${rows.join('\n')}\n`
/** What the client does: addresses, and the values of the last row into their own columns. */
const corrected = (report: Buffer): Buffer => {
  let n = 0
  return Buffer.from(
    report
      .toString()
      .replace(/"nobody"/g, () => `"p${(n += 1)}@x.ca"`)
      .replace(/"","","",(?=(?:"",){6}"00000105)/, '"00000105","eve@x.ca","Eve",'),
  )
}

/** A client whose identifiers all have eight digits, and its failure report. */
async function withReport() {
  const desk = openDesk()
  const known = Array.from({ length: 30 }, (_, n) => `${String(n).padStart(8, '0')},k${n}@x.ca\n`)
  await desk.drop(`UserUUID,email\n${known.join('')}`)
  const dropped = await desk.drop(file)
  expect(dropped.state.counts).toMatchObject({ rows: 5, failed: 5 })
  return { desk, dropped, report: await desk.report(dropped) }
}

const rowsOf = ({ failures }: Dropped) =>
  failures.map(({ cells, reasons, raw }) => ({
    cells,
    raw,
    codes: reasons.map(({ code }) => code),
  }))

describe.skipIf(soffice === undefined).each([
  ['a CSV with ; in Windows-1252', viaCsv],
  ['a workbook, and from there a CSV', viaWorkbook],
])('a failure report that LibreOffice saves as %s', (_, save) => {
  test('and that is dropped as it is fails with the same rows, cells and reasons', async () => {
    const { desk, dropped, report } = await withReport()
    expect(dropped.failures.at(-1)?.raw).toBe(rows.at(-1))
    const again = await desk.drop(save(report, true))
    expect(again.state.file).toMatchObject({ encoding: 'windows-1252', delimiter: ';' })
    expect(rowsOf(again)).toEqual(rowsOf(dropped))
    await desk.close()
  }, 60_000)

  test('imports whole once its cells are corrected', async () => {
    const { desk, report } = await withReport()
    const again = await desk.drop(save(corrected(report), true))
    expect(rowsOf(again)).toEqual([])
    expect(again.state.counts).toMatchObject({ rows: 5, created: 5, failed: 0 })
    const direct = openDesk()
    await direct.drop(corrected(report))
    const fieldsOf = async (one: typeof desk) =>
      (await one.users()).map(({ fields }) => fields).slice(-5)
    expect(await fieldsOf(desk)).toEqual(await fieldsOf(direct))
    await direct.close()
    await desk.close()
  }, 60_000)

  test('and whose identifiers it took for numbers makes no user of another identifier', async () => {
    const { desk, report } = await withReport()
    const again = await desk.drop(save(corrected(report), false))
    expect(again.state.counts).toMatchObject({ rows: 5, failed: 5, created: 0 })
    expect(again.failures.map(({ reasons }) => reasons[0]?.code)).toEqual(
      Array.from({ length: 5 }, () => 9114),
    )
    // The rest of each row came through: formulas are text still, and no line break or accent is lost.
    expect(again.failures[1]?.cells.slice(2, 6)).toEqual(['=Ann', '-Lee', "'=1+1", '-5'])
    expect(again.failures[0]?.cells[7]).toBe('12 Main St\nUnit "4", rear')
    expect(again.failures[0]?.cells.slice(2, 4)).toEqual(['Zoë', 'Ægir–Leclerc’s'])
    await desk.close()
  }, 60_000)
})
