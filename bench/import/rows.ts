import { closeSync, openSync, writeSync } from 'node:fs'

/** Columns of the generated files; every one is a column of the format by its own name. */
export const columns = [
  'UserUUID',
  'email',
  'username',
  'firstName',
  'lastName',
  'userType',
  'street',
  'city',
  'prov',
  'postalCode',
  'phoneCell',
  'studentNo',
  'dateOfBirth',
  'status',
] as const

export const userTypes = ['Student', 'Staff', 'Faculty', 'Visitor']

/** One in so many rows is bad. */
export const badEvery = 50
/** One in so many rows is another one in a changed file. */
export const changedEvery = 100

const firstNames = ['Ada', 'Benoît', 'Charlotte', 'Dmitri', 'Eleanor', 'Fatima', 'Grace', 'Hugo']
const lastNames = ['Abernathy', 'Beauchamp', 'Castellano', 'Desrosiers', 'Eriksson', 'Fitzgerald']
const streets = ['Maple Avenue', 'Rideau Street', 'Sherbrooke Street West', 'Laurier Avenue East']
const cities = ['Ottawa', 'Kingston', 'Thunder Bay', 'Sherbrooke', 'Peterborough']
const provinces = ['ON', 'QC', 'BC', 'NS']

/** A number below 2 ** 32 for each `n` below 2 ** 32, no two alike, in no order. */
function scattered(n: number, seed: number): number {
  let mixed = Math.imul(n ^ seed, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')
const digits = (value: number, count: number): string =>
  String(value % 10 ** count).padStart(count, '0')
const of = (list: readonly string[], value: number): string => list[value % list.length] ?? ''

type Column = (typeof columns)[number]

// What makes a row bad: every kind is one value, so that peers that check nothing store the row.
const faults: readonly Partial<Record<Column, string>>[] = [
  { prov: 'ZZ' },
  { dateOfBirth: '1999-02-30' },
  { userType: 'Studnet' },
  { firstName: 'Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren' },
  { status: 'maybe' },
]

function cellsOf(n: number, changed: boolean): Record<Column, string> {
  const [a, b, c, d] = [1, 2, 3, 4].map((lane) => scattered(n, lane * 0x1234567))
  const [one, two, three, four] = [a ?? 0, b ?? 0, c ?? 0, d ?? 0]
  const [first, last] = [of(firstNames, two), of(lastNames, three)]
  const number = 1 + (four % 9_000)
  const apartment = n % 20 === 3 ? `, Apartment ${1 + (one % 90)}` : ''
  const uuid = `${hex(one)}-${hex(two).slice(0, 4)}-4${hex(two).slice(5)}-a${hex(three).slice(1, 4)}-${hex(three).slice(4)}${hex(four)}`
  const ascii = first.normalize('NFD').replace(/[^A-Za-z]/g, '')
  return {
    UserUUID: uuid,
    email: `${ascii.toLowerCase()}.${last.toLowerCase()}${n}@maple.example`,
    username: `${ascii.slice(0, 1).toLowerCase()}${last.toLowerCase()}${n}`,
    firstName: first,
    lastName: last,
    userType: of(userTypes, one >>> 3),
    street: `${changed ? number + 1 : number} ${of(streets, one >>> 5)}${apartment}`,
    city: of(cities, two >>> 5),
    prov: of(provinces, three >>> 5),
    postalCode: `K${two % 10}A ${three % 10}B${four % 10}`,
    phoneCell: `613-555-${digits(changed ? four + 1 : four, 4)}`,
    studentNo: `${100_000_000 + n}`,
    dateOfBirth: `${1960 + (one % 45)}-${digits(1 + (two % 12), 2)}-${digits(1 + (three % 28), 2)}`,
    status: n % 40 === 11 ? 'inactive' : 'active',
    ...(n % badEvery === 7 ? faults[Math.floor(n / badEvery) % faults.length] : {}),
  }
}

const written = (value: string): string => (value.includes(',') ? `"${value}"` : value)

export interface FileOptions {
  rows: number
  /** One row in a hundred with another street and phone than without it. */
  changed?: boolean
  /** Rows, spread over the file, that have a quote where none may be. */
  strayQuotes?: number
}

/** Writes a file of about 190 bytes a row: two in a hundred bad, one in twenty with a quoted cell. */
export function writeFile(path: string, options: FileOptions): void {
  const { rows, changed = false, strayQuotes = 0 } = options
  const strayEvery = strayQuotes === 0 ? Infinity : Math.floor(rows / strayQuotes)
  const file = openSync(path, 'w')
  let text = `${columns.join(',')}\r\n`
  for (let n = 0; n < rows; n += 1) {
    const cells = cellsOf(n, changed && n % changedEvery === 31)
    if (n % strayEvery === Math.floor(strayEvery / 2)) cells.street = `"${cells.street}`
    text += columns
      .map((column) =>
        n % strayEvery === Math.floor(strayEvery / 2) ? cells[column] : written(cells[column]),
      )
      .join(',')
    text += '\r\n'
    if (text.length > 2 ** 20) {
      writeSync(file, text)
      text = ''
    }
  }
  writeSync(file, text)
  closeSync(file)
}
