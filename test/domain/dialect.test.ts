import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delimiters, detectDelimiter, splitFirstRecord } from '../../src/domain/dialect.ts'
import { createUtf8Check, detectEncoding } from '../../src/domain/encoding.ts'
import { headerMatcher } from '../../src/domain/header.ts'
import { detectNotCsv } from '../../src/domain/not-csv.ts'

const bytes = (text: string, encoding: BufferEncoding = 'utf8') =>
  new Uint8Array(Buffer.from(text, encoding))
const be = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le').swap16())
const header = 'UserUUID,firstName,lastName,street\n'
const cyrillic = header + 'я1,Александра,Достоевская,Большая Садовая улица\n'.repeat(50)
const chinese = header + '学生一,小龙,李,中山北路二段四十五号六楼\n'.repeat(50)
const csv = 'email,firstName\r\nzoë@maple.example,Zoë\r\n'

describe('detectEncoding()', () => {
  test.each([
    ['UTF-8', bytes(csv), 'utf-8', 0],
    ['ASCII', bytes('email\n'), 'utf-8', 0],
    ['nothing', bytes(''), 'utf-8', 0],
    ['UTF-8 with BOM', bytes(`\ufeff${csv}`), 'utf-8', 3],
    ['UTF-16 LE with BOM', bytes(`\ufeff${csv}`, 'utf16le'), 'utf-16le', 2],
    ['UTF-16 BE with BOM', be(`\ufeff${csv}`), 'utf-16be', 2],
    ['UTF-16 LE without BOM', bytes(csv, 'utf16le'), 'utf-16le', 0],
    ['UTF-16 BE without BOM', be(csv), 'utf-16be', 0],
    ['UTF-16 LE without BOM, mostly Cyrillic', bytes(cyrillic, 'utf16le'), 'utf-16le', 0],
    ['UTF-16 BE without BOM, mostly Chinese', be(chinese), 'utf-16be', 0],
    ['Windows-1252', bytes(csv, 'latin1'), 'windows-1252', 0],
    ['one stray NUL in UTF-8', bytes('email\na\0b@maple.example\n'), 'utf-8', 0],
    ['UTF-8 cut inside a character', bytes(csv).subarray(0, 20), 'utf-8', 0],
  ])('tells %s', (_, sample, encoding, bomBytes) => {
    expect(detectEncoding(sample)).toEqual({ encoding, bomBytes })
  })

  test('takes a whole file that ends inside a character for Windows-1252', () => {
    expect(detectEncoding(bytes(csv).subarray(0, 20), { whole: true }).encoding).toBe(
      'windows-1252',
    )
  })
})

describe('createUtf8Check()', () => {
  test('tells the same whatever the pieces are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'grapheme' }).map((text) => bytes(text)),
          fc.uint8Array({ maxLength: 12 }),
        ),
        fc.integer({ min: 1, max: 5 }),
        (all, step) => {
          const check = createUtf8Check()
          let good = true
          for (let i = 0; i < all.length; i += step) good = check.push(all.subarray(i, i + step))
          good = check.end()
          expect(good).toBe(Buffer.from(new TextDecoder().decode(all)).equals(stripped(all)))
        },
      ),
    )
  })
})

// TextDecoder takes a byte order mark off; what is not UTF-8 comes back as other bytes.
function stripped(all: Uint8Array): Uint8Array {
  return all[0] === 0xef && all[1] === 0xbb && all[2] === 0xbf ? all.subarray(3) : all
}

describe('detectDelimiter()', () => {
  const targetOf = headerMatcher()
  const isKnown = (header: string) => targetOf(header) !== null
  const detect = (text: string) => detectDelimiter(text, isKnown)

  test.each(delimiters)('finds %j', (delimiter) => {
    const header = ['UserUUID', 'email', 'Shoe size'].join(delimiter)
    expect(detect(`${header}\r\n1${delimiter}2`)).toEqual({ delimiter, offset: 0, lines: 0 })
  })

  test.each([
    ['columns that are known before many columns', 'email;city;a,b,c,d,e,f', ';'],
    ['many columns where none is known', 'a,b;c;d', ';'],
    ['the comma for one column', 'email\r\na;b\r\n', ','],
    ['a delimiter in quotes not at all', '"email, home";"user,name";city', ';'],
  ])('counts %s', (_, text, delimiter) => {
    expect(detect(text).delimiter).toBe(delimiter)
  })

  test.each([
    ['sep=;\r\nemail,city', ';', 7, 1],
    ['SEP=^\nemail^city', '^', 6, 1],
    ['"sep=|"\r\nemail', '|', 9, 1],
    ['sep=\t\nemail', '\t', 6, 1],
    ['\r\n\nsep=,\r\r\nemail', ',', 11, 4],
    ['\n ,,, \nemail;city', ';', 7, 2],
  ])('reads in %j delimiter, offset and lines', (text, delimiter, offset, lines) => {
    expect(detect(text)).toEqual({ delimiter, offset, lines })
    expect(text.slice(offset)).toMatch(/^email/)
  })

  test('does not take a column named sep for a directive', () => {
    expect(detect('sep=a,email\n')).toEqual({ delimiter: ',', offset: 0, lines: 0 })
  })
})

describe('splitFirstRecord()', () => {
  test.each([
    ['a,b\r\nc', ['a', 'b']],
    ['"a ""x""",b', ['a "x"', 'b']],
    ['"a\nb",c\rd', ['a\nb', 'c']],
    ['a"b,c', ['a"b', 'c']],
    ['', ['']],
  ])('splits %j', (text, cells) => {
    expect(splitFirstRecord(text, ',')).toEqual(cells)
  })
})

describe('detectNotCsv()', () => {
  test('takes UTF-16 in any script for text', () => {
    expect([bytes(cyrillic, 'utf16le'), be(chinese)].map(detectNotCsv)).toEqual([null, null])
  })

  const zip = (...names: string[]) =>
    Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), Buffer.from(names.join('\0\0'))])

  test.each([
    ['an Excel workbook (.xlsx)', zip('[Content_Types].xml', 'xl/workbook.xml')],
    ['a Word document (.docx)', zip('[Content_Types].xml', 'word/document.xml')],
    [
      'an OpenDocument spreadsheet (.ods)',
      zip('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'),
    ],
    ['a zip archive or an Excel workbook', zip('users.csv')],
    ['an Excel workbook (.xls)', Buffer.from('d0cf11e0a1b11ae10000', 'hex')],
    [
      'an Excel workbook (XML)',
      bytes('<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>'),
    ],
    ['a PDF document', bytes('%PDF-1.7\n')],
    ['a gzip archive', Buffer.from('1f8b0800', 'hex')],
    ['an HTML page', bytes('\ufeff\r\n <!DOCTYPE html>\n<html>')],
    ['an HTML page', bytes(`${'<!---->'.repeat(500)} <html>`)],
    ['an HTML page', bytes(`<!--${'<!--'.repeat(900)}`)],
    ['an HTML page', bytes('<!-- made by x --><table><tr><td>email</td></tr></table>')],
    ['an HTML page', bytes('<html xmlns:x="urn:schemas-microsoft-com:office:excel">', 'utf16le')],
    ['an XML document', bytes('<?xml version="1.0"?><users></users>')],
    ['a JSON document', bytes('[\n {"email": "a@b.ca"}]')],
    ['a JSON document', bytes('{"users": []}')],
    ['a file encrypted with PGP', bytes('-----BEGIN PGP MESSAGE-----\n')],
    ['text in UTF-32', Buffer.from('fffe000065000000', 'hex')],
    ['binary data', Buffer.alloc(500)],
    ['binary data', Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7) % 256))],
  ])('says %s', (what, sample) => {
    expect(detectNotCsv(sample)).toBe(what)
  })

  test.each([
    ['a CSV', bytes(csv)],
    ['UTF-16 without BOM', bytes(csv, 'utf16le')],
    ['Windows-1252', bytes(csv, 'latin1')],
    ['nothing', bytes('')],
    ['one stray NUL', bytes('email,city\na@maple.example,Ot\0tawa\n')],
    ['a header in brackets', bytes('[email],[city]\n')],
    ['a header in quotes', bytes('"email","city"\n')],
    ['a header that begins with PK', bytes('PK,email\n')],
  ])('lets %s pass', (_, sample) => {
    expect(detectNotCsv(sample)).toBeNull()
  })
})
