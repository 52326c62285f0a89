/** Every field that a file can bring, in the order of spec/file-format.md section 3. */
export const fieldNames = [
  'UserUUID',
  'email',
  'username',
  'firstName',
  'middleName',
  'lastName',
  'password',
  'userType',
  'loginSource',
  'street',
  'street2',
  'city',
  'city2',
  'prov',
  'prov2',
  'postalCode',
  'postalCode2',
  'phoneCell',
  'employeeNo',
  'employeePhone',
  'studentNo',
  'studentPhone',
  'dateOfBirth',
  'licenceNo',
  'licenceProv',
  'lockerUserType',
  'status',
] as const
export type FieldName = (typeof fieldNames)[number]

/** What a cell of a field must look like; one checker each in value-check.ts. */
type FieldKind =
  | 'text'
  | 'identifier'
  | 'email'
  | 'password'
  | 'userType'
  | 'loginSource'
  | 'region'
  | 'postalCode'
  | 'date'
  | 'status'

/** One column of the format: everything that is known about a field. */
export interface Column {
  readonly kind: FieldKind
  /** Other headers that are taken for this field, as clients write them. */
  readonly headers: readonly string[]
  /** Headers that are taken for this field and mean its opposite. */
  readonly invertedHeaders?: readonly string[]
  readonly need: 'UserUUID or email' | 'recommended' | ''
  /** Code points after trimming; null: the rule sets the length. */
  readonly max: number | null
  readonly min?: number
  readonly multiLine?: boolean
  /** `__CLEAR__` and blank cells never clear it. */
  readonly neverCleared?: boolean
  /** The code of a blank cell when the client requires the field. */
  readonly requiredCode: 9011 | 9013 | 9014 | 9016 | 9017 | 9018 | 9031
  /** Codes of this field alone; commonCodes come on top. */
  readonly codes: readonly number[]
  readonly sentence: string
}

/** Codes that any field can get: required, line break in a one-line field, unusable characters. */
export const commonCodes = [9031, 9107, 9115] as const

const text = { kind: 'text', need: '', requiredCode: 9031, codes: [9030] } as const
const name = { ...text, need: 'recommended', max: 50 } as const
const province = { ...text, kind: 'region', max: null, codes: [9011, 9033] } as const
const regionSentence =
  'Two-letter code of a Canadian province or a US state, in any case, or its full name in English (Canada: French too); the code is stored.'

/** The one table of columns: header matching, row check, documentation and template are made from it. */
export const columns: Readonly<Record<FieldName, Column>> = {
  UserUUID: {
    kind: 'identifier',
    headers: ['User Unique ID (UUID)', 'UUID', 'unique_id', 'External ID'],
    need: 'UserUUID or email',
    max: 50,
    neverCleared: true,
    requiredCode: 9013,
    codes: [9013, 9030, 9033, 9114],
    sentence: 'The identifier of the user in your system: any text, case-sensitive, never changed.',
  },
  email: {
    kind: 'email',
    headers: ['Email Address', 'E-mail', 'Mail'],
    need: 'UserUUID or email',
    max: 100,
    requiredCode: 9016,
    codes: [9013, 9016, 9019, 9030, 9033, 9116],
    sentence: 'One address. Two addresses that differ in case alone are the same.',
  },
  username: {
    ...name,
    headers: ['user_name', 'Login', 'Login ID'],
    codes: [9020, 9030],
    sentence: 'Unique; two that differ in case alone are the same.',
  },
  firstName: {
    ...name,
    headers: ['first_name', 'Given Name', 'First'],
    requiredCode: 9017,
    codes: [9017, 9030],
    sentence: 'Given name.',
  },
  middleName: {
    ...name,
    need: '',
    headers: ['middle_name', 'Middle'],
    sentence: 'Middle name or initial.',
  },
  lastName: {
    ...name,
    headers: ['last_name', 'Surname', 'Family Name', 'Last'],
    requiredCode: 9018,
    codes: [9018, 9030],
    sentence: 'Family name.',
  },
  password: {
    kind: 'password',
    headers: [],
    need: '',
    min: 8,
    max: 128,
    neverCleared: true,
    requiredCode: 9031,
    codes: [9030, 9032, 9033],
    sentence:
      'For new users only: hashed at once and kept nowhere else. Ignored with a warning for users that exist.',
  },
  userType: {
    kind: 'userType',
    headers: ['User Type', 'UserTypeID', 'user_type_id'],
    need: 'recommended',
    max: 50,
    requiredCode: 9031,
    codes: [9030, 9033],
    sentence:
      'Name of one of your user types; without regard to case and spacing it is taken with a warning; the id of one is taken too.',
  },
  loginSource: {
    kind: 'loginSource',
    headers: ['login_source'],
    need: '',
    max: 20,
    requiredCode: 9014,
    codes: [9014, 9015, 9030],
    sentence: 'One of your login sources. Blank for a new user: your default login source.',
  },
  street: {
    ...text,
    headers: ['Street Address', 'Address', 'Address 1'],
    max: 255,
    multiLine: true,
    sentence: 'May hold line breaks.',
  },
  street2: {
    ...text,
    headers: ['Address 2'],
    max: 255,
    multiLine: true,
    sentence: 'May hold line breaks.',
  },
  city: { ...text, headers: [], max: 50, sentence: 'City.' },
  city2: { ...text, headers: [], max: 50, sentence: 'City of the second address.' },
  prov: {
    ...province,
    headers: ['Province/State', 'province', 'state'],
    requiredCode: 9011,
    sentence: regionSentence,
  },
  prov2: {
    ...province,
    headers: ['province2', 'state2'],
    requiredCode: 9011,
    sentence: regionSentence,
  },
  postalCode: {
    ...text,
    kind: 'postalCode',
    headers: ['postal_code', 'zip', 'Zip Code', 'Postal'],
    max: 20,
    sentence: 'Text, zeros kept. One that is neither Canadian nor US in shape gets a warning.',
  },
  postalCode2: {
    ...text,
    kind: 'postalCode',
    headers: ['postal_code2', 'zip2'],
    max: 20,
    sentence: 'As postalCode, of the second address.',
  },
  phoneCell: {
    ...text,
    headers: ['phone_cell', 'Cell Phone', 'Mobile'],
    max: 20,
    sentence: 'Kept as given.',
  },
  employeeNo: {
    ...text,
    kind: 'identifier',
    headers: ['employ_no', 'employee_no', 'Employee Number'],
    max: 50,
    codes: [9030, 9114],
    sentence: 'Text, zeros kept.',
  },
  employeePhone: {
    ...text,
    headers: ['employee_phone'],
    max: 20,
    sentence: 'Kept as given.',
  },
  studentNo: {
    ...text,
    kind: 'identifier',
    headers: ['student_no', 'Student Number'],
    max: 50,
    codes: [9030, 9114],
    sentence: 'Text, zeros kept.',
  },
  studentPhone: {
    ...text,
    headers: ['student_phone'],
    max: 20,
    sentence: 'Kept as given.',
  },
  dateOfBirth: {
    ...text,
    kind: 'date',
    headers: ['date_of_birth', 'DOB', 'Birth Date'],
    max: null,
    codes: [9033],
    sentence:
      'YYYY-MM-DD, or the one other pattern that your settings name. Day and month are never guessed.',
  },
  licenceNo: {
    ...text,
    headers: ['driver_licence_num', 'driver_license_num'],
    max: 50,
    sentence: "Number of the driver's licence.",
  },
  licenceProv: {
    ...text,
    kind: 'region',
    headers: ['driver_licence_prov', 'driver_license_state'],
    max: null,
    codes: [9033],
    sentence: 'Where the licence was issued; written as prov.',
  },
  lockerUserType: {
    kind: 'userType',
    headers: ['locker_user_type_id'],
    need: '',
    max: 50,
    requiredCode: 9031,
    codes: [9030, 9033],
    sentence: 'As userType.',
  },
  status: {
    kind: 'status',
    headers: ['Active', 'Enabled', 'Is Active'],
    invertedHeaders: ['Deactivate'],
    need: '',
    max: null,
    neverCleared: true,
    requiredCode: 9031,
    codes: [9033],
    sentence:
      'active or inactive, y or n, yes or no, true or false, 1 or 0 (in a Deactivate column: yes means inactive). Blank keeps the status; new users are active.',
  },
}

/** Written in a cell, it clears the stored value. */
export const clearWord = '__CLEAR__'

/** Limits of one file (9108); each bounds what a peer can make an import take. */
export const fileLimits = {
  /** 1 GiB: five million rows of 200 bytes. */
  maxBytes: 1024 ** 3,
  maxRows: 5_000_000,
  /** A record is held in memory whole; an unclosed quote ends here. */
  maxRecordBytes: 64 * 1024,
  /** Half a record; no value of the format comes near it. */
  maxFieldBytes: 32 * 1024,
  /** Seven times the columns of the format. */
  maxColumns: 200,
} as const

/** The start of the headers that a failure report adds. */
export const reportPrefix = 'import_error_'

/** A file with every column and no row: UTF-8 with byte order mark, so that a spreadsheet keeps accents. */
export const templateCsv = `\ufeff${fieldNames.join(',')}\r\n`
