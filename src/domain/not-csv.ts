import { detectEncoding } from './encoding.ts'

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0))
}

/** First bytes → what the file is, in words for reason 9109. */
const signatures: readonly (readonly [start: readonly number[], what: string])[] = [
  [[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], 'an Excel workbook (.xls)'],
  [ascii('%PDF-'), 'a PDF document'],
  [[0x1f, 0x8b], 'a gzip archive'],
  [ascii('7z\xbc\xaf\x27\x1c'), 'a 7-Zip archive'],
  [ascii('Rar!'), 'a RAR archive'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a Zstandard archive'],
  [ascii('\x89PNG'), 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
  [ascii('GIF8'), 'a GIF image'],
  [ascii('SQLite format 3\0'), 'an SQLite database'],
  [ascii('{\\rtf'), 'an RTF document'],
  [[0x7f, ...ascii('ELF')], 'a program'],
  [ascii('-----BEGIN PGP MESSAGE'), 'a file encrypted with PGP'],
  [[0xff, 0xfe, 0, 0], 'text in UTF-32'],
  [[0, 0, 0xfe, 0xff], 'text in UTF-32'],
]

/** How a note begins that the archive has in place of a file. */
export const noteOpening = 'This file was not kept:'

/** First characters, lower-case and without white space in front → what the file is. */
const openings: readonly (readonly [start: RegExp, what: string])[] = [
  [/^<(?:!doctype\s+html|html|head|body|table|script|meta)\b/, 'an HTML page'],
  [/^<\?xml[^]*?progid="excel\.sheet"/, 'an Excel workbook (XML)'],
  [/^<\?xml[^]*?<html\b/, 'an HTML page'],
  [/^<(?:\?xml|!doctype|[a-z][\w:-]*[\s/>])/, 'an XML document'],
  [/^(?:\{\s*["}]|\[\s*[[{"\]])/, 'a JSON document'],
  [new RegExp(`^${noteOpening.toLowerCase()}`), 'a note in place of a file that was not kept'],
  [/^(?:from|return-path|received|mime-version): .*\r?\n/, 'an e-mail message'],
]

// Enough for the names of the first members of an archive, and for a page's head.
const openingBytes = 4096

/** What a file is that cannot be a CSV, in words such as `an Excel workbook (.xlsx)`; null when it may be one. */
export function detectNotCsv(sample: Uint8Array): string | null {
  for (const [start, what] of signatures) {
    if (start.every((byte, index) => sample[index] === byte)) return what
  }
  if (startsWithZip(sample)) return zipKind(sample)
  const { encoding, bomBytes } = detectEncoding(sample)
  const text = new TextDecoder(encoding).decode(sample.subarray(bomBytes, openingBytes))
  const opening = withoutComments(text.trimStart()).toLowerCase()
  for (const [start, what] of openings) if (start.test(opening)) return what
  return isBinary(sample, encoding) ? 'binary data' : null
}

/** The text behind the comments that a page may begin with. */
function withoutComments(text: string): string {
  let from = 0
  while (text.startsWith('<!--', from)) {
    const end = text.indexOf('-->', from)
    if (end < 0) return '<!doctype html'
    from = end + 3
    while (/\s/.test(text[from] ?? '')) from += 1
  }
  return text.slice(from)
}

function startsWithZip(sample: Uint8Array): boolean {
  const [p, k, third, fourth] = sample
  return (
    p === 0x50 &&
    k === 0x4b &&
    ((third === 3 && fourth === 4) ||
      (third === 5 && fourth === 6) ||
      (third === 7 && fourth === 8))
  )
}

function zipKind(sample: Uint8Array): string {
  // Names of members stand uncompressed in an archive.
  const names = new TextDecoder('windows-1252').decode(sample)
  if (names.includes('[Content_Types].xml') || names.includes('xl/')) {
    return names.includes('word/') ? 'a Word document (.docx)' : 'an Excel workbook (.xlsx)'
  }
  if (names.includes('application/vnd.oasis.opendocument.spreadsheet')) {
    return 'an OpenDocument spreadsheet (.ods)'
  }
  return 'a zip archive or an Excel workbook'
}

// One stray control character spoils its row (9115), this share of them is no text.
const binaryShare = 0.05
const binaryLeast = 4
// All below a space but tab, line ends, form feeds and the old mark of a file's end.
// oxlint-disable-next-line no-control-regex -- it is these that are counted
const controlCharacters = /[\0-\x08\x0e-\x19\x1b-\x1f]/g

function isBinary(sample: Uint8Array, encoding: string): boolean {
  if (encoding.startsWith('utf-16')) return false
  // By a pattern: a loop over so many bytes takes ten milliseconds before it is compiled.
  const text = new TextDecoder('utf-8').decode(sample)
  const control = text.match(controlCharacters)?.length ?? 0
  return control >= binaryLeast && control > sample.length * binaryShare
}
