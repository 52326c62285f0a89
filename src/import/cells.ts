const quote = 0x22

/** Why a record cannot be split into cells, and at which of them, from 0. */
export interface SplitFault {
  kind: 'open quote' | 'quote inside' | 'text after quote' | 'too long' | 'field too long'
  column: number
}

/**
 * The cells of a record that has quotes in it, or what is wrong with it: a quote may only open and close a
 * cell, or be doubled in a quoted one (RFC 4180 section 2).
 */
export function splitQuoted(text: string, delimiter: string): string[] | SplitFault {
  const cells: string[] = []
  const fault = (kind: SplitFault['kind'], column: number): SplitFault => ({ kind, column })
  let at = 0
  for (;;) {
    if (text.charCodeAt(at) !== quote) {
      const end = text.indexOf(delimiter, at)
      const cell = end < 0 ? text.slice(at) : text.slice(at, end)
      if (cell.includes('"')) return fault('quote inside', cells.length)
      cells.push(cell)
      if (end < 0) return cells
      at = end + 1
      continue
    }
    let from = at + 1
    let cell = ''
    for (;;) {
      const close = text.indexOf('"', from)
      if (close < 0) return fault('open quote', cells.length)
      if (text.charCodeAt(close + 1) !== quote) {
        cell = cell === '' ? text.slice(from, close) : cell + text.slice(from, close)
        at = close + 1
        break
      }
      cell += text.slice(from, close + 1)
      from = close + 2
    }
    cells.push(cell)
    if (at === text.length) return cells
    if (text[at] !== delimiter) return fault('text after quote', cells.length - 1)
    at += 1
  }
}
