/** What the identifiers that a tenant has stored look like, where they all look alike. */
export interface IdentifierShape {
  /** All are this many digits, and some begin with zeros that a spreadsheet would take off. */
  digits: number
}

// Fewer values look alike by chance; more tell nothing new, and a directory may hold millions.
const leastValues = 20
const mostValues = 5000

/** The shape that all of `values`, the first thousands at least, have; null when they have none, or are too few to tell. */
export function identifierShape(values: Iterable<string>): IdentifierShape | null {
  let digits = 0
  let count = 0
  let zeros = false
  for (const value of values) {
    if (!/^\d+$/.test(value)) return null
    if (count > 0 && value.length !== digits) return null
    digits = value.length
    zeros ||= value.startsWith('0')
    count += 1
    if (count === mostValues) break
  }
  return count >= leastValues && zeros ? { digits } : null
}

// What Excel and LibreOffice make of a long number: 1.23457E+15, in many countries 1,23457E+15.
const scientific = /^[+-]?\d(?:[.,]\d+)?E\+\d{2,3}$/i

/** How a spreadsheet has damaged an identifier, as words for reason 9114; undefined when it has not. */
export function spreadsheetDamage(
  value: string,
  shape: IdentifierShape | null,
): string | undefined {
  if (value.includes('+') && scientific.test(value)) {
    return 'a number that a spreadsheet has rounded, the number as your system has it is needed'
  }
  if (shape !== null && value.length < shape.digits && /^\d+$/.test(value)) {
    return `${value.length} digits where all others have ${shape.digits}, the zeros in front are needed`
  }
  return undefined
}
