// What makes a spreadsheet read a cell as a formula, the full-width forms of = + - @ among them.
const start = '=+\\-@\\t\\r\\uff1d\\uff0b\\uff0d\\uff20'
const dangerous = new RegExp(`^'*[${start}]`)
const escaped = new RegExp(`^'+[${start}]`)
const apostrophe = 39

/** A cell that no spreadsheet runs; `unescapeFormula` gives the same cell back. */
export function escapeFormula(cell: string): string {
  return dangerous.test(cell) ? `'${cell}` : cell
}

/** Takes off the one apostrophe that `escapeFormula` put in front. */
export function unescapeFormula(cell: string): string {
  return cell.charCodeAt(0) === apostrophe && escaped.test(cell) ? cell.slice(1) : cell
}
