/** Delimiters that are looked for, the commonest first: it wins a tie. */
export const delimiters = [',', ';', '\t', '|'] as const

/** How the text of a file is split. */
export interface Dialect {
  delimiter: string
  /** Characters before the header: blank lines and Excel's `sep=` line. */
  offset: number
  /** Physical lines before the header. */
  lines: number
}

// Excel takes any one character; a quote, a letter or a digit could not be told from a value.
const sepPattern = /^"?sep=([^"\r\nA-Za-z0-9])"?[^\S\r\n]*(?:\r\n|\n|\r|$)/i
// Also lines of nothing but delimiters, which a spreadsheet makes of empty rows above the table.
const blankLines = /^(?:[,;|\t \u00a0]*(?:\r\n|\n|\r))+/

/** What a file of ours begins with whose delimiter nobody would look for. */
export function sepLine(delimiter: string): string {
  return delimiters.some((one) => one === delimiter) ? '' : `sep=${delimiter}\r\n`
}

function countLines(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0
}

/**
 * Finds the delimiter in the start of a file's text, without its byte order mark: Excel's `sep=X` line, else
 * the one whose split of the header gives most columns that `isKnown` knows, then most columns.
 */
export function detectDelimiter(text: string, isKnown: (header: string) => boolean): Dialect {
  let offset = blankLines.exec(text)?.[0].length ?? 0
  const sep = sepPattern.exec(text.slice(offset))
  if (sep !== null) {
    offset += sep[0].length
    offset += blankLines.exec(text.slice(offset))?.[0].length ?? 0
  }
  const dialect = (delimiter: string): Dialect => ({
    delimiter,
    offset,
    lines: countLines(text.slice(0, offset)),
  })
  if (sep?.[1] !== undefined) return dialect(sep[1])
  const header = text.slice(offset)
  let best: { delimiter: string; known: number; count: number } | undefined
  for (const delimiter of delimiters) {
    const cells = splitFirstRecord(header, delimiter)
    const known = cells.filter(isKnown).length
    const count = cells.length
    if (
      best === undefined ||
      known > best.known ||
      (known === best.known && known === 0 && count > best.count)
    ) {
      best = { delimiter, known, count }
    }
  }
  return dialect(best?.delimiter ?? ',')
}

/** The cells of the first record of `text`; a quote inside an unquoted cell stands for itself. */
export function splitFirstRecord(text: string, delimiter: string): string[] {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] ?? ''
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[i + 1] === '"') {
        cell += character
        i += 1
      } else quoted = false
    } else if (character === '"' && cell.trim() === '') {
      cell = ''
      quoted = true
    } else if (character === delimiter) {
      cells.push(cell)
      cell = ''
    } else if (character === '\n' || character === '\r') {
      break
    } else cell += character
  }
  cells.push(cell)
  return cells
}
