// What makes a spreadsheet read a cell as a formula, the full-width forms of = + - @ among them.
const start = '=+\\-@\\t\\r\\uff1d\\uff0b\\uff0d\\uff20'
const dangerous = new RegExp(`^'*[${start}]`)
const escaped = new RegExp(`^'+[${start}]`)
const apostrophe = 39

/** A cell that no spreadsheet runs; `unescapeFormula` gives the same cell back. */
export function escapeFormula(cell: string): string {
  return dangerous.test(cell) ? `'${cell}` : cell
}

/** False for what surely needs no `escapeFormula`, by its first character alone. */
export function mayBeFormula(cell: string): boolean {
  const first = cell.charCodeAt(0)
  if (first >= 65) return first >= 0xff00
  return !(first >= 48 && first <= 57) && cell !== ''
}

/** Takes off the one apostrophe that `escapeFormula` put in front. */
export function unescapeFormula(cell: string): string {
  return cell.charCodeAt(0) === apostrophe && escaped.test(cell) ? cell.slice(1) : cell
}
