import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columns, fieldNames } from '../../src/domain/format.ts'
import { headerMatcher, knownHeaders, matchHeader, plainHeader } from '../../src/domain/header.ts'

// Section 3 of the specification, word by word.
const accepted: Record<string, string[]> = {
  UserUUID: ['User Unique ID (UUID)', 'UUID', 'unique_id', 'External ID', 'User UUID'],
  email: ['Email Address', 'E-mail', 'Mail', 'EMAIL'],
  username: ['user_name', 'Login', 'Login ID'],
  firstName: ['first_name', 'Given Name', 'First'],
  middleName: ['middle_name', 'Middle'],
  lastName: ['last_name', 'Surname', 'Family Name', 'Last'],
  password: ['Password'],
  userType: ['User Type', 'UserTypeID', 'user_type_id'],
  loginSource: ['login_source'],
  street: ['Street Address', 'Address', 'Address 1'],
  street2: ['Address 2'],
  city: ['CITY'],
  city2: ['City 2'],
  prov: ['Province/State', 'province', 'state'],
  prov2: ['province2', 'state2'],
  postalCode: ['postal_code', 'zip', 'Zip Code', 'Postal'],
  postalCode2: ['postal_code2', 'zip2'],
  phoneCell: ['phone_cell', 'Cell Phone', 'Mobile'],
  employeeNo: ['employ_no', 'employee_no', 'Employee Number'],
  employeePhone: ['employee_phone'],
  studentNo: ['student_no', 'Student Number'],
  studentPhone: ['student_phone'],
  dateOfBirth: ['date_of_birth', 'DOB', 'Birth Date'],
  licenceNo: ['driver_licence_num', 'driver_license_num'],
  licenceProv: ['driver_licence_prov', 'driver_license_state'],
  lockerUserType: ['locker_user_type_id'],
  status: ['Active', 'Enabled', 'Is Active'],
}

describe('columns', () => {
  test('have no two fields with one name after matching', () => {
    const names = fieldNames.flatMap((field) =>
      [field, ...columns[field].headers, ...(columns[field].invertedHeaders ?? [])].map(
        (name): [string, string] => [plainHeader(name), field],
      ),
    )
    for (const [name, field] of names) {
      const target = knownHeaders.get(name)
      expect([name, target === 'deactivate' ? 'status' : target]).toEqual([name, field])
    }
  })
})

describe('headerMatcher()', () => {
  const targetOf = headerMatcher()

  test.each(fieldNames.map((field) => [field, accepted[field] ?? []] as const))(
    'finds %s by each of its names',
    (field, names) => {
      expect(names.length).toBeGreaterThan(0)
      for (const name of [field, ...names]) expect([name, targetOf(name)]).toEqual([name, field])
    },
  )

  test.each([
    ['case, spaces and signs', '  e-MAIL_Address: '],
    ['a byte order mark', '\ufeffemail'],
    ['zero-width characters inside', 'e\u200bma\u200dil'],
    ['full-width letters', 'ｅｍａｉｌ'],
    ['NBSP', '\u00a0Email\u00a0Address\u00a0'],
  ])('does not mind %s', (_, header) => {
    expect(targetOf(header)).toBe('email')
  })

  test.each(['', ' ', '---', '__proto__', 'constructor', 'toString', 'e-mails', 'имя', '🙂'])(
    'knows nothing of %j',
    (header) => {
      expect(targetOf(header)).toBeNull()
    },
  )

  test('adds the names of a columnMap, in any script, and lets them go first', () => {
    const mapped = headerMatcher({ 'Matricule №': 'UserUUID', Имя: 'firstName', Login: 'email' })
    expect(mapped('matricule  №')).toBe('UserUUID')
    expect(mapped(' имя ')).toBe('firstName')
    expect(mapped('login')).toBe('email')
    expect(mapped('Login ID')).toBe('username')
    expect(mapped('')).toBeNull()
    expect(mapped('---')).toBeNull()
    expect(mapped('Фамилия')).toBeNull()
  })

  test('gives the same for every header whatever is strewn into it', () => {
    const known = [...knownHeaders]
    const noise = fc.array(
      fc.constantFrom(' ', '_', '-', '.', '\u200b', '\ufeff', '\u00a0', '(', ')', '\t'),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.infiniteStream(noise),
        fc.infiniteStream(fc.boolean()),
        ([name, target], noises, uppers) => {
          const strewn = Array.from(name, (letter) => {
            const upper = uppers.next().value === true ? letter.toUpperCase() : letter
            return `${(noises.next().value ?? []).join('')}${upper}`
          }).join('')
          expect(targetOf(strewn)).toBe(target)
        },
      ),
    )
  })
})

describe('matchHeader()', () => {
  const codes = (cells: string[], options = {}) => {
    const { reasons, warnings } = matchHeader(cells, options)
    return { reasons: reasons.map(({ code }) => code), warnings: warnings.map(({ code }) => code) }
  }

  test('reads the vocabulary of the OPS-COM user upload', () => {
    const match = matchHeader(
      'User Unique ID (UUID),First Name,Middle Name,Last Name,Email Address,User Type,Username,Password,Street Address,City,Province/State,Postal,Cell Phone,Employee Number,Student Number,Deactivate'.split(
        ',',
      ),
    )
    expect(match).toMatchObject({ reasons: [], warnings: [], ignored: [], isReport: false })
    expect(match.columns).toEqual(
      'UserUUID,firstName,middleName,lastName,email,userType,username,password,street,city,prov,postalCode,phoneCell,employeeNo,studentNo,deactivate'.split(
        ',',
      ),
    )
    expect(match.fields.at(-1)).toBe('status')
    expect(match.hasPassword).toBe(true)
  })

  test('reads the vocabulary of the OPS-COM API', () => {
    const match = matchHeader(
      'unique_id,user_name,first_name,last_name,email,user_type_id,login_source,postal_code,phone_cell,employ_no,student_no,date_of_birth,driver_licence_num,driver_licence_prov,locker_user_type_id'.split(
        ',',
      ),
    )
    expect(match).toMatchObject({ reasons: [], warnings: [], ignored: [] })
    expect(match.columns).toEqual(
      'UserUUID,username,firstName,lastName,email,userType,loginSource,postalCode,phoneCell,employeeNo,studentNo,dateOfBirth,licenceNo,licenceProv,lockerUserType'.split(
        ',',
      ),
    )
  })

  test('warns of unknown columns in one sentence and lists them', () => {
    const match = matchHeader(['email', 'Shoe size', '__proto__', 'constructor'])
    expect(match.ignored).toEqual(['Shoe size', '__proto__', 'constructor'])
    expect(match.columns).toEqual(['email', null, null, null])
    expect(match.warnings).toEqual([
      {
        code: 9104,
        sentence:
          'The file has the columns "Shoe size", "__proto__" and "constructor", which the format does not know, so nothing of it was imported; rename it if it was meant to be imported',
      },
    ])
  })

  test('leaves columns of tools and of our reports alone, without a warning', () => {
    const match = matchHeader([
      'import_error_line',
      'Import_Error_Codes',
      'email',
      '_importError',
      'sf__Id',
      'import_error_raw',
    ])
    expect(match).toMatchObject({ ignored: [], warnings: [], isReport: true, own: [2, 3, 4] })
    expect([match.codesColumn, match.rawColumn]).toEqual([1, 5])
    expect(matchHeader(['email', '_importError']).isReport).toBe(false)
  })

  test('takes no column with a name of hundreds of characters', () => {
    const long = `e-m${'-'.repeat(60_000)}ail`
    expect(
      matchHeader(['email', `c${'.'.repeat(250)}ity`, `a@${'.'.repeat(60_000)}@`]),
    ).toMatchObject({
      fields: ['email'],
      columns: ['email', null, null],
    })
    expect(codes([long]).reasons).toEqual([9102])
    expect(matchHeader([long]).reasons[0]?.sentence.length).toBeLessThan(300)
  })

  test('drops empty headers at the end and keeps those before', () => {
    expect(matchHeader(['email', '', 'city', ' ', '\ufeff', '']).names).toEqual([
      'email',
      '',
      'city',
    ])
    expect(codes(['email', '', 'city', ''])).toEqual({ reasons: [], warnings: [] })
  })

  test.each([
    ['no name at all', ['', ' ', '\u200b'], [9100]],
    ['rows without a header', ['u-1', 'ada@maple.example', 'Ada'], [9100]],
    ['no identifying column', ['firstName', 'lastName'], [9102]],
    ['two columns for one field', ['email', 'city', 'E-mail'], [9103]],
    ['status twice, once inverted', ['email', 'Active', 'Deactivate'], [9103]],
    ['both faults', ['zip', 'Postal'], [9103, 9102]],
    ['too many columns', ['email', ...Array.from({ length: 200 }, (_, i) => `x${i}`)], [9108]],
  ])('refuses a header with %s', (_, cells, reasons) => {
    expect(codes(cells).reasons).toEqual(reasons)
  })

  test('quotes no names that may be values of a user, of a file without a header row', () => {
    const sentence = (cells: string[]) => matchHeader(cells).reasons[0]?.sentence
    expect(matchHeader(['u-1', 'Ada', 'my-secret', 'Active'])).toMatchObject({
      columnsKnown: false,
    })
    expect(sentence(['u-1', 'Ada', 'my-secret', 'Active'])).toContain(
      'The header has 4 columns, 1 of which the format knows, a column UserUUID',
    )
    expect(sentence(['my-secret'])).toContain('The header has 1 column, none of which')
    expect(codes(['u-1', 'a@maple.example', 'my-secret', 'Active']).reasons).toEqual([9100])
    expect(sentence(['First', 'Last', 'Shoe size'])).toContain('"First", "Last" and "Shoe size"')
    expect(matchHeader(['email', 'a', 'b', 'c', 'd'])).toMatchObject({ columnsKnown: true })
  })

  test('finds columns that look like passwords, in other languages too, and imports none of them', () => {
    const names = ['Mot de passe', 'PWD', 'Kennwort', 'Initial Password', 'Contraseña']
    const match = matchHeader(['email', 'Password', 'Passport', ...names])
    expect(match).toMatchObject({ fields: ['email', 'password'], passwords: [1, 3, 4, 5, 6, 7] })
    expect(match.ignored).toEqual(['Passport', ...names])
    const mapped = matchHeader(['email', 'pwd'], { columnMap: { pwd: 'licenceNo' } })
    expect(mapped).toMatchObject({ passwords: [], hasPassword: false })
  })

  test('quotes both columns of one field', () => {
    expect(matchHeader(['email', 'E-mail']).reasons[0]?.sentence).toContain(
      '"email" and "E-mail" mean the same field (email)',
    )
  })

  test('warns of a known column that the last file had', () => {
    const match = matchHeader(['email'], { previousFields: ['email', 'city', 'status'] })
    expect(match.warnings).toEqual([
      {
        code: 9118,
        sentence:
          'The file lacks the columns city, status, which the last file had, and what is stored was kept; add the column again if it was left out by mistake',
      },
    ])
  })

  test('holds for any cells: aligned columns, distinct fields unless refused', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(...fieldNames, 'Deactivate')),
          { maxLength: 40 },
        ),
        (cells) => {
          const match = matchHeader(cells)
          expect(match.columns).toHaveLength(match.names.length)
          expect(match.own.every((index) => index < match.names.length)).toBe(true)
          if (match.reasons.length === 0) {
            expect(new Set(match.fields).size).toBe(match.fields.length)
          }
        },
      ),
    )
  })
})
