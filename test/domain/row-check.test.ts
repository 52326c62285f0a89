import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columns, commonCodes, fieldNames } from '../../src/domain/format.ts'
import type { FieldName } from '../../src/domain/format.ts'
import { matchHeader } from '../../src/domain/header.ts'
import { createRowCheck } from '../../src/domain/row-check.ts'
import type { RowCheckOptions } from '../../src/domain/row-check.ts'
import { reasonCodes, reasons } from '../../src/domain/reason.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { TenantSettings } from '../../src/domain/tenant.ts'

type Rules = Partial<TenantSettings> &
  Partial<Pick<RowCheckOptions, 'userTypes' | 'loginSources' | 'shapes'>>

const userTypes = ['Student', 'Part-time Staff', 'Faculty'].map((name, index) => ({
  id: String(index + 1),
  name,
}))

function rowCheck(headers: string[], rules: Rules = {}) {
  const { userTypes: types = userTypes, loginSources = [], shapes = {}, ...settings } = rules
  return createRowCheck({
    header: matchHeader(headers),
    settings: { ...defaultSettings, ...settings },
    userTypes: types,
    loginSources,
    shapes,
  })
}

/** Checks one cell of a row that is good otherwise. */
function checkCell(header: string, value: string, rules: Rules = {}) {
  const field = matchHeader(['UserUUID', header]).fields.at(-1)
  const key = field === 'UserUUID' ? 'email' : 'UserUUID'
  const { check, fields } = rowCheck([key, header], rules)
  const row = check([key === 'email' ? 'ok@maple.example' : 'u-1', value], 2)
  const slot = fields.findIndex((name) => name === field)
  const reasons = [...row.reasons, ...row.createReasons]
  return { ...row, reasons, value: row.values[slot], codes: reasons.map(({ code }) => code) }
}

describe('createRowCheck() takes', () => {
  test.each<[string, string, string | null | undefined]>([
    ['city', '  Ottawa\u00a0', 'Ottawa'],
    ['city', '\u200bTrois-Rivie\u0300res\ufeff', 'Trois-Rivières'],
    ['city', 'a\tb', 'a\tb'],
    ['city', '\u00a0\u200b ', undefined],
    ['city', '\nOttawa\n', 'Ottawa'],
    ['city', '__CLEAR__', null],
    ['city', ' __CLEAR__ ', null],
    ['city', '__clear__', '__clear__'],
    ['city', '='.repeat(50), '='.repeat(50)],
    ['city', '😀'.repeat(50), '😀'.repeat(50)],
    ['street', '12 Main St\r\nUnit 4\rrear\u2028door', '12 Main St\nUnit 4\nrear\ndoor'],
    ['UserUUID', '00012345', '00012345'],
    ['UserUUID', 'a+b', 'a+b'],
    ['email', "Zoë.O'Brien+x@sub.maple.example", "Zoë.O'Brien+x@sub.maple.example"],
    ['email', 'zoë@maplë.example', 'zoë@maplë.example'],
    ['userType', 'Student', 'Student'],
    ['userType', '3', 'Faculty'],
    ['prov', 'on', 'ON'],
    ['prov', 'Qc', 'QC'],
    ['prov', 'QUÉBEC', 'QC'],
    ['prov', 'Quebec', 'QC'],
    ['prov', 'île du Prince-Édouard', 'PE'],
    ['prov', 'Nouvelle-E\u0301cosse', 'NS'],
    ['prov', 'new  york', 'NY'],
    ['licenceProv', 'Terre-Neuve-et-Labrador', 'NL'],
    ['postalCode', 'k1s 5b6', 'k1s 5b6'],
    ['postalCode', '02139', '02139'],
    ['dateOfBirth', '2000-02-29', '2000-02-29'],
    ['loginSource', 'Anything', 'Anything'],
    ['phoneCell', '+1 (613) 555-0100 x9', '+1 (613) 555-0100 x9'],
  ])('for %s the value %j as %j', (header, value, stored) => {
    const row = checkCell(header, value)
    expect(row.reasons).toEqual([])
    expect(row.warnings).toEqual([])
    expect(row.value).toBe(stored)
  })

  test.each([
    ['status', 'Active', true],
    ['status', 'INACTIVE', false],
    ['Active', 'y', true],
    ['Enabled', 'No', false],
    ['Is Active', '1', true],
    ['Active', 'FALSE', false],
    ['Deactivate', 'Yes', false],
    ['Deactivate', '0', true],
    ['Deactivate', 'f\u0430lse', undefined],
    ['status', '', undefined],
  ])('under %s the word %j as active: %j', (header, word, active) => {
    expect(checkCell(header, word).active).toBe(active)
  })

  test('a user type and a login source without regard to case and spacing, with a warning', () => {
    for (const written of ['part-time staff', 'PART-TIME  STAFF', 'Part-timeStaff']) {
      const row = checkCell('userType', written)
      expect(row).toMatchObject({ value: 'Part-time Staff', reasons: [] })
      expect(row.warnings).toEqual([
        {
          code: 9119,
          field: 'userType',
          sentence: `userType is "${written}", which was taken as "Part-time Staff"; write it that way`,
        },
      ])
    }
    const source = checkCell('loginSource', 'ldap', { loginSources: ['LDAP', 'Local'] })
    expect(source).toMatchObject({ value: 'LDAP', warnings: [{ code: 9119 }] })
  })

  test('no user type where two have the same name without case', () => {
    const types = [
      { id: '1', name: 'Staff' },
      { id: '2', name: 'STAFF' },
    ]
    expect(checkCell('userType', 'staff', { userTypes: types }).codes).toEqual([9033])
    expect(checkCell('userType', 'STAFF', { userTypes: types }).value).toBe('STAFF')
  })

  test('any user type and login source where none are configured', () => {
    expect(checkCell('userType', 'Wizard', { userTypes: [] }).value).toBe('Wizard')
    expect(checkCell('loginSource', 'x', { loginSources: [] }).value).toBe('x')
    expect(checkCell('userType', 'x'.repeat(51), { userTypes: [] }).codes).toEqual([9030])
  })

  test('the one other date pattern of the client besides the ISO one', () => {
    const rules = { datePattern: 'DD/MM/YYYY' }
    expect(checkCell('DOB', '03/04/2001', rules).value).toBe('2001-04-03')
    expect(checkCell('DOB', '2001-04-03', rules).value).toBe('2001-04-03')
    expect(checkCell('DOB', '04/13/2001', rules).codes).toEqual([9033])
    expect(checkCell('DOB', '4/3/2001', rules).codes).toEqual([9033])
    expect(checkCell('DOB', '4/3/2001', { datePattern: 'M/D/YYYY' }).value).toBe('2001-04-03')
  })

  test('a postal code of any shape, with a warning', () => {
    expect(checkCell('zip', '2139')).toMatchObject({ value: '2139', warnings: [{ code: 9119 }] })
    expect(checkCell('zip', '2139').warnings[0]?.sentence).toContain('zeros')
    expect(checkCell('zip', 'SW1A 1AA')).toMatchObject({ value: 'SW1A 1AA', reasons: [] })
  })

  test('cells beyond the header that are blank', () => {
    const { check } = rowCheck(['email', 'city', ''])
    expect(check(['a@maple.example', 'b', '', ' ', '\u00a0'], 2).reasons).toEqual([])
    expect(check(['a@maple.example', 'b'], 2).values).toEqual(['a@maple.example', 'b'])
  })

  test('no value under an empty header, with a warning', () => {
    const { checkUnnamed } = rowCheck(['email', '', 'city'])
    const warned = (...cells: string[]) => checkUnnamed?.(cells)?.code
    expect(warned('a@maple.example', '', 'b')).toBeUndefined()
    expect(warned('a@maple.example', 'x', 'b', '')).toBe(9104)
    expect(warned('a@maple.example', 'x', 'b', 'c')).toBeUndefined()
    expect(rowCheck(['email', 'city', '']).checkUnnamed).toBeUndefined()
  })
})

describe('createRowCheck() keys and passwords', () => {
  test('gives the keys as they are compared', () => {
    const { check, fields } = rowCheck(['UserUUID', 'email', 'username', 'password'])
    const row = check(['A-1', 'Zoe\u0308@Maple.Example', 'ZOË', 'correct horse'], 5)
    expect(fields).toEqual(['UserUUID', 'email', 'username'])
    expect(row).toMatchObject({
      line: 5,
      uuid: 'A-1',
      emailKey: 'zoë@maple.example',
      usernameKey: 'zoë',
      password: 'correct horse',
      values: ['A-1', 'Zoë@Maple.Example', 'ZOË'],
      reasons: [],
    })
  })

  test('keeps the keys of a row that fails for another reason', () => {
    const { check } = rowCheck(['UserUUID', 'email', 'prov'])
    expect(check(['u-1', 'A@maple.example', 'nowhere'], 2)).toMatchObject({
      uuid: 'u-1',
      emailKey: 'a@maple.example',
      reasons: [{ code: 9033 }],
    })
  })

  test('judges a password where the row creates a user, and says that it is ignored else', () => {
    const { check } = rowCheck(['UserUUID', 'E-mail', 'Password'])
    const codesOf = (password: string, email = 'a@maple.example') => {
      const row = check(['u-1', email, password], 2)
      const all = [row.reasons, row.createReasons, row.warnings, row.updateWarnings]
      return all.map((reasons) => reasons.map(({ code, field }) => `${code} ${field}`))
    }
    const ignored = ['9120 Password']
    expect(codesOf('long enough')).toEqual([[], [], [], ignored])
    expect(codesOf('short')).toEqual([[], ['9032 Password'], [], ignored])
    expect(codesOf('x'.repeat(129))).toEqual([[], ['9030 Password'], [], ignored])
    expect(codesOf('__CLEAR__')).toEqual([[], ['9033 Password'], [], ignored])
    expect(codesOf('')).toEqual([[], [], [], []])
    expect(codesOf('short', 'nobody')).toEqual([['9033 E-mail'], ['9032 Password'], [], ignored])
  })

  test.each(['short', `${'x'.repeat(127)}\n\u0000x`, 'y'.repeat(129), 'z\nz z z z z', '__CLEAR__'])(
    'never says a password: %j',
    (password) => {
      const row = checkCell('password', password)
      expect(row.createReasons).toHaveLength(1)
      const value = password === '__CLEAR__' ? 'nothing' : password.slice(0, 5)
      expect(JSON.stringify(row.reasons)).not.toContain(value)
      expect(row.password).toBeNull()
    },
  )
})

describe('createRowCheck() blank cells', () => {
  const headers = ['UserUUID', 'email', 'city', 'password', 'status']
  const blank = ['u-1', '', '', '', '']

  test('keep what is stored, or clear it, but never UUID, password and status', () => {
    const keep = rowCheck(headers).check(blank, 2)
    expect(keep).toMatchObject({ values: ['u-1', undefined, undefined], active: undefined })
    const clear = rowCheck(headers, { blankCells: 'clear' }).check(blank, 2)
    expect(clear).toMatchObject({ values: ['u-1', null, null], password: null, active: undefined })
    const byEmail = ['', 'a@maple.example', '', '', '']
    const adopted = rowCheck(headers, { blankCells: 'clear' }).check(byEmail, 2)
    expect(adopted.values).toEqual([undefined, 'a@maple.example', null])
  })

  test('of a login source stand for the default of the client', () => {
    const rules = { loginSources: ['LDAP', 'Local'], defaultLoginSource: 'LDAP' }
    const required: Rules = { ...rules, requiredFields: ['loginSource'] }
    expect(checkCell('loginSource', '', required)).toMatchObject({ codes: [], value: undefined })
    expect(checkCell('loginSource', '', { ...rules, blankCells: 'clear' }).value).toBe('LDAP')
    expect(rowCheck(headers, rules).onCreate).toEqual({ loginSource: 'LDAP', active: true })
  })

  test('a required field without a column stops new users alone', () => {
    const { check, createReasons } = rowCheck(['UserUUID'], { requiredFields: ['email', 'city'] })
    expect(check(['u-1'], 2).reasons).toEqual([])
    expect(createReasons.map(({ code, field }) => [code, field])).toEqual([
      [9016, 'email'],
      [9031, 'city'],
    ])
    expect(rowCheck(['UserUUID', 'email', 'city']).createReasons).toEqual([])
  })
})

/** Code → header, value and rules that give it; every code that the row check decides. */
const happens: [code: number, header: string, value: string, rules?: Rules][] = [
  [9011, 'prov', '', { requiredFields: ['prov'] }],
  [9011, 'prov2', ' ', { requiredFields: ['prov2'] }],
  [9013, 'UserUUID', '', { requiredFields: ['UserUUID'] }],
  [9014, 'loginSource', '', { requiredFields: ['loginSource'], loginSources: ['LDAP'] }],
  [9015, 'loginSource', 'LDAP2', { loginSources: ['LDAP', 'Local'] }],
  [9016, 'email', '', { requiredFields: ['email'] }],
  [9017, 'firstName', '', { requiredFields: ['firstName'] }],
  [9018, 'lastName', '\u00a0', { requiredFields: ['lastName'] }],
  [9030, 'city', 'x'.repeat(51)],
  [9030, 'city', '😀'.repeat(51)],
  [9030, 'email', `${'x'.repeat(90)}@maple.example`],
  [9030, 'password', 'x'.repeat(129)],
  [9031, 'phoneCell', '', { requiredFields: ['phoneCell'] }],
  [9031, 'postalCode', '', { requiredFields: ['postalCode'] }],
  [9031, 'city', '__CLEAR__', { requiredFields: ['city'] }],
  [9032, 'password', '1234567'],
  [9033, 'UserUUID', '__CLEAR__'],
  [9033, 'status', '__CLEAR__'],
  [9033, 'status', 'maybe'],
  [9033, 'Deactivate', 'inactive'],
  [9033, 'prov', 'ZZ'],
  [9033, 'userType', 'Wizard'],
  [9033, 'userType', 'x'.repeat(5000)],
  [9033, 'lockerUserType', 'Wizard'],
  [9033, 'dateOfBirth', '2001-02-29'],
  [9033, 'dateOfBirth', '01-02-03'],
  [9033, 'dateOfBirth', '2001-1-1'],
  [9033, 'dateOfBirth', '1066-10-14'],
  [9107, 'city', 'Otta\nwa'],
  [9107, 'email', 'a@maple.example\r\nb@maple.example'],
  [9114, 'UserUUID', '1.2E+15'],
  [9114, 'UserUUID', '1,23457E+11'],
  [9114, 'studentNo', '2E+15'],
  [9114, 'employeeNo', '1.00E+12'],
  [9114, 'UserUUID', '12345', { shapes: { UserUUID: { digits: 8 } } }],
  [9115, 'city', 'Otta\u0000wa'],
  [9115, 'city', 'Montr\ufffdal'],
  [9115, 'city', 'x\u0085y'],
  [9115, 'city', 'x\ud800y'],
  [9115, 'street', 'x\u000by'],
  ...['plain', '@b.ca', 'a@', 'a@b', 'a@b..ca', 'a@.ca', 'a@b.', 'a@-b.ca', 'a b@c.ca'].map(
    (value): [number, string, string] => [9033, 'email', value],
  ),
  ...['a@b.ca;c@d.ca', 'a@b.ca, c@d.ca', 'A <a@b.ca>', 'mailto:a@b.ca', 'a\u200b@b.ca'].map(
    (value): [number, string, string] => [9033, 'email', value],
  ),
]

describe('createRowCheck() refuses', () => {
  test.each(happens)('with %i in %s the value %j', (code, header, value, rules = {}) => {
    const row = checkCell(header, value, rules)
    expect(row.codes).toEqual([code])
    expect(row.reasons[0]?.field).toBe(header)
    expect(row.reasons[0]?.sentence).toContain(header)
    expect(row.reasons[0]?.sentence).toMatch(/^.+, .+; .+[^.;]$/s)
    expect(row.value ?? null).toBeNull()
    const field = matchHeader([header]).fields[0]
    expect(field === undefined ? [] : [...columns[field].codes, ...commonCodes]).toContain(code)
  })

  test.each([
    ['with neither key', ['UserUUID', 'email', 'city'], ['', ' ', 'x'], [9013]],
    ['with the one key column blank', ['email', 'city'], ['', 'x'], [9013]],
    ['with its only key cleared', ['UserUUID', 'email'], ['', '__CLEAR__'], [9013]],
    ['that is too short', ['email', 'city', 'prov'], ['a@b.ca', 'x'], [9105]],
    ['that is too long', ['email', 'city'], ['a@b.ca', 'x', 'y'], [9105]],
  ])('a row %s', (_, headers, cells, codes) => {
    expect(
      rowCheck(headers)
        .check(cells, 2)
        .reasons.map(({ code }) => code),
    ).toEqual(codes)
  })

  test('a row with all its reasons at once, each with its field', () => {
    const { check } = rowCheck(
      ['UserUUID', 'E-mail', 'first_name', 'User Type', 'zip', 'password'],
      {
        requiredFields: ['postalCode'],
      },
    )
    const row = check(['1E+15', 'a@', 'x'.repeat(51), 'Studnet', '', 'short'], 9)
    expect(row.reasons.map(({ code, field }) => [code, field])).toEqual([
      [9114, 'UserUUID'],
      [9033, 'E-mail'],
      [9030, 'first_name'],
      [9033, 'User Type'],
      [9031, 'zip'],
    ])
    expect(row.createReasons).toMatchObject([{ code: 9032, field: 'password' }])
    expect(row).toMatchObject({ uuid: null, emailKey: null })
  })

  test('an address that is too long and none, with both reasons', () => {
    expect(checkCell('email', 'x'.repeat(101)).codes).toEqual([9030, 9033])
  })

  test.each([
    ['userType', 'Studnet', 'write "Student" if that is meant'],
    ['userType', 'Wizard', 'write one of "Student", "Part-time Staff" and "Faculty"'],
    ['prov', 'Ontaro', 'write ON if Ontario is meant'],
    ['prov', 'Bavaria', 'such as ON'],
    ['email', 'a@b.ca;c@d.ca', 'keep one address'],
    ['city', 'a\nb', 'a stray quote in this row or before it is the usual cause'],
  ])('in %s %j with a remedy that fits', (header, value, remedy) => {
    expect(checkCell(header, value).reasons[0]?.sentence).toContain(remedy)
  })

  test('values of any length in sentences of a few hundred characters, on one line', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...fieldNames),
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        (field: FieldName, value) => {
          for (const { sentence } of checkCell(field, value).reasons) {
            expect(Array.from(sentence).length).toBeLessThan(400)
            expect(sentence).not.toMatch(/[\n\r\u2028\u2029\0]/)
          }
        },
      ),
    )
  })
})

describe('createRowCheck() in a file of ours', () => {
  const headers = ['import_error_codes', 'UserUUID', 'phoneCell', 'import_error_raw']

  test('takes the one apostrophe off that the report put in front', () => {
    const { check } = rowCheck(headers)
    expect(check(['9030', 'u-1', "'+1613", ''], 2).values).toEqual(['u-1', '+1613'])
    expect(check(['9030', "'u-1", "''+1613", ''], 2).values).toEqual(["'u-1", "'+1613"])
    expect(rowCheck(['UserUUID', 'phoneCell']).check(['u-1', "'+1613"], 2).values).toEqual([
      'u-1',
      "'+1613",
    ])
  })

  test('fails a record again that still stands in import_error_raw alone', () => {
    const { check } = rowCheck(headers)
    const codes = (cells: string[]) => check(cells, 2).reasons.map(({ code }) => code)
    expect(codes(['9106', '', '', 'a,"b'])).toEqual([9106])
    expect(codes(['9013;x', '', '', 'a,b'])).toEqual([9105])
    expect(codes(['9106', 'u-1', '', 'a,"b'])).toEqual([])
    expect(codes(['9106', '', '', ''])).toEqual([9013])
  })
})

test('reasons of levels file and warning are not given by the row check, and every row code is known', () => {
  const given = new Set([...happens.map(([code]) => code), 9013, 9105])
  for (const code of given) expect(reasonCodes).toContain(code)
  // Decided where the file is split (9003, 9106), where users are matched, and where rows are stored.
  const elsewhere = [9003, 9019, 9020, 9106, 9110, 9116, 9117]
  const rowCodes = reasonCodes.filter((code) => reasons[code].level === 'row')
  expect(rowCodes.filter((code) => !given.has(code))).toEqual(elsewhere)
})
