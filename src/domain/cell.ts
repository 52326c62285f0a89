const space = 0x20
const lastPlain = 0x7e

/** True for text that needs no cleaning: printable ASCII without outer spaces. Not for empty text. */
export function isPlain(text: string): boolean {
  const { length } = text
  if (text.charCodeAt(0) === space || text.charCodeAt(length - 1) === space) return false
  for (let i = 0; i < length; i += 1) {
    const code = text.charCodeAt(i)
    if (code < space || code > lastPlain) return false
  }
  return true
}

/** Whether a value of printable ASCII begins or ends with a space. */
export function hasOuterSpace(text: string): boolean {
  return text.charCodeAt(0) === space || text.charCodeAt(text.length - 1) === space
}

/** White space, with NBSP and the byte order mark, and what has no width. */
function isOuter(code: number): boolean {
  if (code <= lastPlain) return code === space || (code >= 0x09 && code <= 0x0d)
  return (
    code === 0xa0 ||
    code === 0x1680 ||
    code === 0x180e ||
    (code >= 0x2000 && code <= 0x200d) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x2060 ||
    code === 0x3000 ||
    code === 0xfeff
  )
}

/** A value as it is checked and stored: trimmed, NBSP and zero-width too, and NFC. */
export function cleaned(text: string): string {
  // By hand: a pattern for white space at the end takes the square of the length of white space inside.
  let start = 0
  let end = text.length
  while (start < end && isOuter(text.charCodeAt(start))) start += 1
  while (end > start && isOuter(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end).normalize('NFC')
}

/** True when a cell holds nothing but what `cleaned` takes off. */
export function isBlank(cell: string): boolean {
  if (cell === '') return true
  // Mostly the first character tells.
  const first = cell.charCodeAt(0)
  return (first <= space || first > lastPlain) && cleaned(cell) === ''
}

/** True for a record that is no row: an empty line, or nothing but delimiters. */
export function isBlankRecord(cells: readonly string[]): boolean {
  return cells.every(isBlank)
}

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** `U+0000` of the first character that cannot be stored: control characters, U+FFFD, half a pair. */
export function unusableCharacter(text: string): string | undefined {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const control =
      (code < space && code !== tab && code !== lineFeed && code !== carriageReturn) ||
      (code >= 0x7f && code <= 0x9f)
    if (control || code === 0xfffd || isHalf(text, i, code)) {
      return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    }
  }
  return undefined
}

function isHalf(text: string, index: number, code: number): boolean {
  if (code < 0xd800 || code > 0xdfff) return false
  const first = code < 0xdc00
  const other = text.charCodeAt(first ? index + 1 : index - 1)
  return first ? !(other >= 0xdc00 && other <= 0xdfff) : !(other >= 0xd800 && other <= 0xdbff)
}

/** True when the text does not stand on one line. */
export function hasLineBreak(text: string): boolean {
  return /[\n\r\u2028\u2029]/.test(text)
}

/** Line breaks as they are stored, so that a file saved with others changes nothing. */
export function withLineFeeds(text: string): string {
  return text.replace(/\r\n?|[\u2028\u2029]/g, '\n')
}

/** Length in code points. */
export function codePoints(text: string): number {
  let count = text.length
  for (let i = 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code >= 0xdc00 && code <= 0xdfff) {
      const before = text.charCodeAt(i - 1)
      if (before >= 0xd800 && before <= 0xdbff) count -= 1
    }
  }
  return count
}
