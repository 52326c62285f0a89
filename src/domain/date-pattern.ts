/** Reads a calendar date; the ISO form `YYYY-MM-DD`, or undefined when it is none. */
export type DateReader = (value: string) => string | undefined

// A year outside is a slip of the hand, not the birth of a user.
const firstYear = 1850
const lastYear = 2150

function realDate(year: number, month: number, day: number): boolean {
  if (year < firstYear || year > lastYear || month < 1 || month > 12 || day < 1) return false
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days
}

/** `YYYY-MM-DD` of a real calendar date is returned as it is. */
export function readIsoDate(value: string): string | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value)
  if (parts === null) return undefined
  return realDate(Number(parts[1]), Number(parts[2]), Number(parts[3])) ? value : undefined
}

/**
 * A reader of dates in `pattern`: `YYYY`, `MM` or `M`, `DD` or `D`, each once, with any of `- / . space` or
 * nothing between; `M` and `D` take one digit or two. Undefined when `pattern` is no such pattern.
 */
export function dateReader(pattern: string): DateReader | undefined {
  if (!/^(?:YYYY|MM?|DD?|[-/. ])+$/.test(pattern)) return undefined
  const order: ('Y' | 'M' | 'D')[] = []
  const source = pattern.replace(/YYYY|MM|DD|M|D|[/. -]/g, (part) => {
    const letter = part[0]
    if (letter !== 'Y' && letter !== 'M' && letter !== 'D') return `\\${part}`
    order.push(letter)
    return part.length === 1 ? '(\\d{1,2})' : `(\\d{${part.length}})`
  })
  if (order.toSorted().join('') !== 'DMY') return undefined
  // Without anything between, the digits of a single letter could belong to either side.
  if (/[MD][YMD0]|[YMD0][MD]/.test(pattern.replace(/MM|DD/g, '00'))) return undefined
  const expression = new RegExp(`^${source}$`)
  return (value) => {
    const parts = expression.exec(value)
    if (parts === null) return undefined
    const part = (letter: 'Y' | 'M' | 'D'): number => Number(parts[order.indexOf(letter) + 1])
    const [year, month, day] = [part('Y'), part('M'), part('D')]
    if (!realDate(year, month, day)) return undefined
    return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
  }
}
