/** A search that is narrowed looks at this many keys, and no further. */
export const mostLookedAt = 5_000
/** So many users are read for a range of names: each lies elsewhere. */
export const mostRead = 1_000
/** Behind every text that begins with the same characters: no text holds the last code point. */
export const lastCharacter = '\u{10ffff}'
// A name of more words is tried in no other order.
const mostWords = 6

// As both databases do it whatever their locale: `lower()` of SQLite, and of PostgreSQL under "C".
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

const capitalised = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)

/** Where to look: keys from `from` to before `to`. */
export interface NameRange {
  from: string
  to: string
  /** A further word of the key begins with one of these; undefined: whatever it is. */
  first?: string[]
}

/** Whether a key of the range has one of its first names. */
export function hasFirst({ first }: NameRange, key: string): boolean {
  return first === undefined || first.some((word) => key.includes(` ${word}`))
}

/** The words as written and in small, initial and large capitals, for letters beyond ASCII; each as it is stored. */
function forms(words: readonly string[]): string[] {
  const small = words.map((word) => word.toLowerCase())
  const large = words.map((word) => word.toUpperCase())
  const all = [words, small, small.map(capitalised), large]
  return [...new Set(all.map((form) => lowerAscii(form.join(' '))))]
}

/**
 * Ranges of keys `last first` in which who is called `text` is found: the words in turns, and each part of them as
 * the beginning of a last name, so that `byr`, `Ada Byron`, `Byron, Ada` and `ada byr` all find her.
 */
export function nameRanges(text: string): NameRange[] {
  const words = text
    .normalize('NFC')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
  const range = (from: string): NameRange => ({ from, to: from + lastCharacter })
  const ranges = forms(words).map(range)
  if (words.length > mostWords) return ranges
  for (let at = 1; at < words.length; at += 1) {
    const [begin, end] = [words.slice(0, at), words.slice(at)]
    ranges.push(
      ...forms([...end, ...begin]).map(range),
      ...forms(end).map((from) => ({ ...range(from), first: forms(begin) })),
      ...forms(begin).map((from) => ({ ...range(from), first: forms(end) })),
    )
  }
  return ranges
}
