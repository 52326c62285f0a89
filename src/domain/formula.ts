// What makes a spreadsheet read a cell as a formula, the full-width forms of = + - @ among them.
const start = '=+\\-@\\t\\r\\uff1d\\uff0b\\uff0d\\uff20'
const dangerous = new RegExp(`^'*[${start}]`)
const escaped = new RegExp(`^'+[${start}]`)
const anywhere = new RegExp(`(?:^|\\0)'*[${start}]`)
const apostrophe = 39

/** A cell that no spreadsheet runs; `unescapeFormula` gives the same cell back. */
export function escapeFormula(cell: string): string {
  return dangerous.test(cell) ? `'${cell}` : cell
}

/** Whether one of several cells, with a NUL between them, may need `escapeFormula`. */
export function mayBeFormula(cells: string): boolean {
  return anywhere.test(cells)
}

/** Takes off the one apostrophe that `escapeFormula` put in front. */
export function unescapeFormula(cell: string): string {
  return cell.charCodeAt(0) === apostrophe && escaped.test(cell) ? cell.slice(1) : cell
}
