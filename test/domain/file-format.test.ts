import { describe, expect, test } from 'vitest'
import { columns, fieldNames, fileLimits } from '../../src/domain/format.ts'
import type { FieldName } from '../../src/domain/format.ts'
import { archivePath, nameKind, reportPath } from '../../src/domain/layout.ts'
import { reasonCodes, reasons } from '../../src/domain/reason.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

// What the format promises in numbers and names, written once more by hand: a change of a table alone breaks a promise.

/** Most characters (null: the rule sets the length) and codes besides those of every field. */
const promised: Readonly<Record<FieldName, [max: number | null, ...codes: number[]]>> = {
  UserUUID: [50, 9013, 9030, 9033, 9114],
  email: [100, 9013, 9016, 9019, 9030, 9033, 9116],
  username: [50, 9020, 9030],
  firstName: [50, 9017, 9030],
  middleName: [50, 9030],
  lastName: [50, 9018, 9030],
  password: [128, 9030, 9032, 9033],
  userType: [50, 9030, 9033],
  loginSource: [20, 9014, 9015, 9030],
  street: [255, 9030],
  street2: [255, 9030],
  city: [50, 9030],
  city2: [50, 9030],
  prov: [null, 9011, 9033],
  prov2: [null, 9011, 9033],
  postalCode: [20, 9030],
  postalCode2: [20, 9030],
  phoneCell: [20, 9030],
  employeeNo: [50, 9030, 9114],
  employeePhone: [20, 9030],
  studentNo: [50, 9030, 9114],
  studentPhone: [20, 9030],
  dateOfBirth: [null, 9033],
  licenceNo: [50, 9030],
  licenceProv: [null, 9033],
  lockerUserType: [50, 9030, 9033],
  status: [null, 9033],
}

describe('the format', () => {
  test('has the fields, lengths and codes that it promises', () => {
    const found = fieldNames.map((field) => [field, [columns[field].max, ...columns[field].codes]])
    expect(Object.fromEntries(found)).toEqual(promised)
    expect(columns.password.min).toBe(8)
    const multiLine = fieldNames.filter((field) => columns[field].multiLine)
    expect(multiLine).toEqual(['street', 'street2'])
    const kept = fieldNames.filter((field) => columns[field].neverCleared)
    expect(kept).toEqual(['UserUUID', 'password', 'status'])
  })

  test('has the limits of a file that it promises', () => {
    expect(fileLimits).toEqual({
      maxBytes: 1_073_741_824,
      maxRows: 5_000_000,
      maxRecordBytes: 65_536,
      maxFieldBytes: 32_768,
      maxColumns: 200,
    })
  })

  test('has the defaults of a client that it promises', () => {
    expect(defaultSettings).toMatchObject({
      mode: 'delta',
      blankCells: 'keep',
      settleSeconds: 2,
      archiveDays: 90,
      guard: { floor: 5, share: 0.1, cap: 200 },
      mailFailures: true,
      mailCompleted: 'never',
      silenceHours: null,
      datePattern: null,
    })
  })

  test('has the codes that it promises, each at its level', () => {
    const of = (level: string) => reasonCodes.filter((code) => reasons[code].level === level)
    expect(of('file')).toEqual([9009, 9100, 9102, 9103, 9108, 9109, 9111, 9112, 9113])
    expect(of('warning')).toEqual([9101, 9104, 9118, 9119, 9120, 9121, 9122])
    expect(of('row')).toEqual([
      9003, 9011, 9013, 9014, 9015, 9016, 9017, 9018, 9019, 9020, 9030, 9031, 9032, 9033, 9105,
      9106, 9107, 9110, 9114, 9115, 9116, 9117,
    ])
  })
})

describe('nameKind()', () => {
  test.each([
    'users.csv',
    'USERS.CSV',
    'a.b.Txt',
    'x.tsv',
    'é "?*:.csv',
    ' .csv',
    '-.csv',
    '~.csv',
  ])('takes %j', (name) => expect(nameKind(name)).toBe('taken'))

  test.each([
    '.users.csv',
    '.csv',
    'users.csv.tmp',
    'users.csv.PART',
    'users.filepart',
    'users.csv.partial',
    'users.csv.incomplete',
    '~$users.csv',
    'users.tmp',
  ])('leaves %j alone', (name) => expect(nameKind(name)).toBe('ignored'))

  test.each(['users', 'users.xlsx', 'users.csv.gz', 'users.csv ', 'csv', 'users.csvx', 'tmp'])(
    'tells of %j',
    (name) => expect(nameKind(name)).toBe('other'),
  )
})

describe('the names of what comes back', () => {
  const run = {
    id: 'run_0192f0c1-aaaa-7bbb-8ccc-1234567890ab',
    tenantId: 'ten_1',
    filename: 'users.v2.CSV',
    createdAt: Date.UTC(2026, 10, 24, 3, 4, 5),
  }

  test('have the stem, the time in UTC and a short id', () => {
    expect(archivePath(run, false)).toMatch(
      /^drop\/ten_1\/bak\/users\.v2\.20261124T030405Z-[0-9a-f]{8}\.csv$/,
    )
    expect(archivePath(run, true)).toMatch(
      /^drop\/ten_1\/bak\/users\.v2\.20261124T030405Z-[0-9a-f]{8}\.rejected\.csv$/,
    )
    expect(reportPath(run)).toMatch(
      /^drop\/ten_1\/failed\/users\.v2\.failed-20261124T030405Z-[0-9a-f]{8}\.csv$/,
    )
  })

  test('are no longer than a file system takes, and end at a whole character', () => {
    const long = { ...run, filename: `${'é'.repeat(120)}.csv` }
    for (const path of [archivePath(long, true), reportPath(long)]) {
      const name = path.split('/').at(-1) ?? ''
      expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255)
      expect(name).not.toContain('\ufffd')
      expect(name.startsWith('é'.repeat(100))).toBe(true)
    }
  })
})
