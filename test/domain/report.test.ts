import * as fc from 'fast-check'
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { escapeFormula, mayBeFormula, unescapeFormula } from '../../src/domain/formula.ts'
import { matchHeader } from '../../src/domain/header.ts'
import { createReport, ownCells, ownHeaders, rowFailure } from '../../src/domain/report.ts'
import { createRowCheck } from '../../src/domain/row-check.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

const starts = ["'", '=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', 'a', '"', ',', '\n']
const cell = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.constantFrom(...starts), { maxLength: 5 }).map((parts) => parts.join('')),
)

describe('escapeFormula()', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+1 613 555 0100', "'+1 613 555 0100"],
    ['-5', "'-5"],
    ['@x', "'@x"],
    ['\t=x', "'\t=x"],
    ['＝1', "'＝1"],
    ["'=1", "''=1"],
    ["'plain", "'plain"],
    ['a=1', 'a=1'],
    ['', ''],
  ])('makes %j into %j', (value, written) => {
    expect(escapeFormula(value)).toBe(written)
    expect(unescapeFormula(written)).toBe(value)
  })

  test('leaves no cell that a spreadsheet runs, and is undone by unescapeFormula', () => {
    fc.assert(
      fc.property(cell, (value) => {
        expect(escapeFormula(value)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/)
        expect(unescapeFormula(escapeFormula(value))).toBe(value)
        expect(mayBeFormula(value) || escapeFormula(value) === value).toBe(true)
      }),
    )
  })
})

describe('createReport()', () => {
  test('writes a byte order mark, quotes every field and ends lines by CRLF', () => {
    const report = createReport({ headers: ['email', 'Pass'], delimiter: ';', withRaw: false })
    expect(report.head()).toBe(
      '\ufeff"import_error_line";"import_error_codes";"import_error_fields";"import_error_reason";"email";"Pass"\r\n',
    )
    const reasons = [
      { code: 9033, field: 'email', sentence: 'One "a"' },
      { code: 9030, field: 'email', sentence: 'Two' },
      { code: 9013, field: null, sentence: 'Three' },
    ]
    expect(report.row({ line: 7, reasons, cells: ['=x', ''], raw: null })).toBe(
      '"7";"9033;9030;9013";"email";"One ""a"". Two. Three.";"\'=x";""\r\n',
    )
  })

  test('pads rows and adds the raw record in the last column', () => {
    const report = createReport({ headers: ['email', 'city'], delimiter: ',', withRaw: true })
    const reasons = [{ code: 9105, field: null, sentence: 'S' }]
    expect(report.head()).toContain('"city","import_error_raw"\r\n')
    expect(report.row({ line: 2, reasons, cells: [], raw: 'a,b,"c' })).toBe(
      '"2","9105","","S.","","","a,b,""c"\r\n',
    )
  })
})

/** Reads a CSV, checks its rows and writes their report, as an import does. */
function reportOf(text: string, delimiter: string): string {
  const [head = [], ...rows]: string[][] = parse(text, {
    bom: true,
    delimiter,
    relax_column_count: true,
    info: false,
  })
  const header = matchHeader(head)
  expect(header.reasons).toEqual([])
  const { check } = createRowCheck({
    header,
    settings: defaultSettings,
    userTypes: [{ id: '1', name: 'Student' }],
    loginSources: [],
  })
  const failures = rows.flatMap((cells, index) => {
    const { reasons } = check(cells, index + 2)
    const record = cells.join(delimiter)
    return reasons.length === 0
      ? []
      : [rowFailure(header, { line: index + 2, cells, record, reasons })]
  })
  const withRaw = failures.some(({ raw }) => raw !== null)
  const report = createReport({ headers: ownHeaders(header), delimiter, withRaw })
  return report.head() + failures.map((failure) => report.row(failure)).join('')
}

describe('a report of a report', () => {
  test('keeps the own columns in their order and spelling, and the formulas', () => {
    const text =
      'Email Address,"=cmd",Shoe size,User Type\r\nnobody,=1+1,"\'+3",Studnet\r\nok@maple.example,a,b,Student\r\n'
    const report = reportOf(text, ',')
    expect(report).toContain(
      `"import_error_reason","Email Address","'=cmd","Shoe size","User Type"`,
    )
    expect(report).toContain(`"nobody","'=1+1","''+3","Studnet"`)
    expect(report).not.toContain('ok@maple.example')
    expect(reportOf(report, ',')).toBe(report)
  })

  test('keeps a record that could not be split, until its columns are filled in', () => {
    const text = 'email,userType\nuseless\na@maple.example,Student,more\n'
    const report = reportOf(text, ',')
    expect(report).toContain('"","","useless"\r\n')
    expect(report).toContain('"","","a@maple.example,Student,more"\r\n')
    const again = reportOf(report, ',')
    const withoutReason = (csv: string) =>
      csv.split('\r\n').map((line) => line.replace(/"The row[^"]*"/, ''))
    expect(withoutReason(again)).toEqual(withoutReason(report))
    expect(reportOf(again, ',')).toBe(again)
    const filled = report.replace('"","","useless"', '"b@maple.example","Student","useless"')
    expect(reportOf(filled, ',')).not.toContain('b@maple.example')
  })

  test('is a fixed point for any cells', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 5 }),
        (rows) => {
          const bad = rows.map(([a = '', b = '', c = '']) => [`not an address ${a}`, b, c])
          const quoted = (line: string[]) =>
            line.map((value) => `"${value.replaceAll('"', '""')}"`).join(';')
          const text = [['email', 'city', 'other'], ...bad].map(quoted).join('\r\n')
          const report = reportOf(text, ';')
          expect(report.split('import_error_line').length).toBe(2)
          expect(reportOf(report, ';')).toBe(report)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('rowFailure()', () => {
  test('shows no password, in a cell or in a record that could not be split', () => {
    const header = matchHeader(['email', 'Password', 'city'])
    expect(ownCells(header, ['a', 'secret pass', 'c'])).toEqual(['a', '', 'c'])
    const reasons = [{ code: 9105, field: null, sentence: 'S' }]
    const row = { line: 2, cells: ['a', 'secret pass'], record: 'a,secret pass', reasons }
    expect(JSON.stringify(rowFailure(header, row))).not.toContain('secret')
  })

  test('keeps every cell whole', () => {
    const header = matchHeader(['email', 'city'])
    const long = 'x'.repeat(60_000)
    const reasons = [{ code: 9030, field: 'city', sentence: 'S' }]
    const row = { line: 2, cells: ['a', long], record: '', reasons }
    expect(rowFailure(header, row).cells).toEqual(['a', long])
  })
})
