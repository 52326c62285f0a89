import {
  clearWord,
  columns,
  commonCodes,
  fieldNames,
  fileLimits,
  templateCsv,
} from '../domain/format.ts'
import type { FieldName } from '../domain/format.ts'
import { reasonCodes, reasons, reasonSentence } from '../domain/reason.ts'
import type { ReasonCode, ReasonParams } from '../domain/reason.ts'

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

function lengths({ min, max }: { min?: number; max: number | null }): string {
  if (max === null) return ''
  return min === undefined ? String(max) : `${min} to ${max}`
}

function columnRow(field: FieldName): string {
  const column = columns[field]
  const inverted = (column.invertedHeaders ?? []).map((name) => `${name} (inverted)`)
  const headers = [...column.headers, ...inverted].join(', ')
  const cells = [code(field), headers, column.need, lengths(column), column.sentence]
  return `| ${cells.join(' | ')} | ${column.codes.join(' ')} |`
}

/** What each sentence is told in the page: one row of a client, or one file, that gives it. */
const told: { [Code in ReasonCode]: ReasonParams<Code> } = {
  9003: { fault: 'text follows a closing quote' },
  9009: { name: 'users.csv' },
  9011: { field: 'prov' },
  9013: { field: 'UserUUID and email', what: 'are blank' },
  9014: { field: 'loginSource', remedy: 'fill in one of "LDAP" and "Local"' },
  9015: { field: 'loginSource', value: 'LADP', remedy: 'write "LDAP" if that is meant' },
  9016: { field: 'email' },
  9017: { field: 'firstName' },
  9018: { field: 'lastName' },
  9019: { field: 'email', value: 'ada@maple.example', owner: 'the user "S0041"' },
  9020: { field: 'username', value: 'ada', owner: 'another user' },
  9030: { field: 'city', length: 64, max: 50 },
  9031: { field: 'postalCode', what: 'is blank' },
  9032: { field: 'password', length: 5, min: 8 },
  9033: {
    field: 'userType',
    value: 'Studnet',
    need: 'one of your user types',
    remedy: 'write "Student" if that is meant',
  },
  9100: { what: 'is empty' },
  9101: {},
  9102: { columns: 'the columns "First" and "Last"' },
  9103: { columns: '"email" and "E-mail"', field: 'email' },
  9104: { columns: 'the column "Shoe size"' },
  9105: { count: '13 fields', needed: 12 },
  9106: { line: 17 },
  9107: { field: 'city' },
  9108: {
    what: '240 columns',
    limit: '200 columns',
    remedy: 'leave out those that are not needed and drop the file again',
  },
  9109: { name: 'users.csv', what: 'an Excel workbook (.xlsx)' },
  9110: { field: 'email', value: 'ada@maple.example', lines: 'line 4 and line 9' },
  9111: {},
  9112: { what: 'would deactivate 31 of 120 active users', limit: 'at most 12 are allowed' },
  9113: { name: 'users.csv' },
  9114: {
    field: 'UserUUID',
    value: '1.2E+15',
    damage: 'a number that a spreadsheet has rounded, the number as your system has it is needed',
  },
  9115: { field: 'city', character: 'U+0000' },
  9116: { field: 'email', value: 'desk@maple.example' },
  9117: {},
  9118: { columns: 'the column city' },
  9119: {
    field: 'userType',
    value: 'student',
    taken: 'which was taken as "Student"',
    remedy: 'write it that way',
  },
  9120: { field: 'password' },
  9121: { line: 4 },
  9122: { rows: '2 rows' },
}

function reasonRow(number: ReasonCode): string {
  const { level, meaning } = reasons[number]
  const [sentence = '', ...remedy] = reasonSentence(number, told[number]).split('; ')
  return `| ${number} | ${level} | ${meaning} | ${sentence} | ${remedy.join('; ')} |`
}

const megabytes = fileLimits.maxBytes / 1024 ** 2

/** docs/file-format.md, from the tables of columns and of reasons. */
function fileFormatPage(): string {
  return `# File format

A file is a CSV with a header row. One row is one user. Copy [examples/template.csv](../examples/template.csv), or name the
columns as your system does: many names are known, and your settings can add others (\`columnMap\`).

## The file

| point | rule |
| --- | --- |
| name | \`*.csv\`, \`*.txt\` or \`*.tsv\`, in any case, with any characters |
| left alone while it arrives | \`*.tmp\`, \`*.part\`, \`*.filepart\`, \`*.partial\`, \`*.incomplete\`, names that begin with \`.\` or \`~$\` |
| encoding | UTF-8 is best. UTF-16 and byte order marks are recognised; what is neither is read as Windows-1252, with warning 9101 |
| delimiter | comma, semicolon, tab or vertical bar, found by the header; Excel's \`sep=;\` line is taken |
| line ends | CRLF, LF or CR, mixed too |
| quotes | a value with the delimiter, a quote or a line break in it stands in \`"\`; a quote inside is doubled |
| blank rows and columns | rows without any value, and columns without header and values, are left out and not counted |
| limits | ${megabytes.toLocaleString('en')} MiB, ${fileLimits.maxRows.toLocaleString('en')} rows, ${fileLimits.maxRecordBytes / 1024} KiB a row, ${fileLimits.maxFieldBytes / 1024} KiB a value, ${fileLimits.maxColumns} columns |
| dry run | a file in the folder \`test/\` is checked and reported, and nothing is stored |

## The header

Case, spaces and signs do not matter: \`User Unique ID (UUID)\`, \`UserUUID\` and \`unique_id\` are one. A column that is not
known is left out with a warning. Two columns for one field, or no column for UserUUID and email, and the file is rejected.
A header that begins with \`import_error_\` is ours: a failure report can be corrected and dropped as it is.

## Columns

The length is in characters, after white space around the value was taken off. Nothing is ever cut short.

| column | other names | needed | length | value | codes |
| --- | --- | --- | --- | --- | --- |
${fieldNames.map(columnRow).join('\n')}

Any column can also get ${commonCodes.join(', ')}.

## How a row finds its user

1. UserUUID is known: that user is updated. An email or username that another user has: 9019, 9020.
2. UserUUID is new: is there a user with this email and without UUID, that user gets the UUID and is updated. Has the user
   with this email another UUID: 9019. Is there none, a new user is made.
3. No UserUUID: the user with this email is updated, or made. Several have it: 9116.
4. Neither UserUUID nor email: 9013.

A blank cell keeps what is stored (or clears it, if your settings say \`blankCells: clear\`). ${code(clearWord)} clears in both cases.
A column that is missing changes nothing. UserUUID, password and status are never cleared, and required fields cannot be.
Rows that are the same twice count once. Rows for one user that differ all fail (9110).

## Codes

A row gets all its reasons, not the first alone. *file*: the file as a whole was not imported; *row*: this row was not;
*warning*: it was, and this is to be known. Codes below 9100 are those of OPS-COM.

| code | level | meaning | such as | how to put it right |
| --- | --- | --- | --- | --- |
${reasonCodes.map(reasonRow).join('\n')}

*Made from the tables in src/domain/format.ts and src/domain/reason.ts by \`npm run docs\`.*
`
}

/** The pages that are made from the tables of the domain: path from the top of the repository → text. */
export function formatPages(): Record<string, string> {
  return {
    'docs/file-format.md': fileFormatPage(),
    'examples/template.csv': templateCsv,
  }
}
