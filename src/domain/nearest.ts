// Longer values are not typing errors of a name, and the table below grows with the product.
const maxLength = 64

/** Edits between two texts: insert, delete, replace, or swap two neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let edits = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The name that `value` most likely misspells; undefined when none is near: more than a third of it differs. */
export function nearest(value: string, names: readonly string[]): string | undefined {
  if (value.length > maxLength) return undefined
  const wanted = value.toLowerCase()
  let found: string | undefined
  let least = Infinity
  for (const name of names) {
    const most = Math.max(1, Math.floor(Math.min(name.length, wanted.length) / 3))
    if (name.length > maxLength || Math.abs(name.length - wanted.length) > most) continue
    const edits = editDistance(wanted, name.toLowerCase())
    if (edits <= most && edits < least) {
      least = edits
      found = name
    }
  }
  return found
}

// A file may have a wrong value in each of its millions of rows, mostly few different ones.
const maxRemembered = 1000

/** `work`, done once for a value that comes again and again. */
export function remembering<T>(work: (value: string) => T): (value: string) => T {
  const results = new Map<string, { result: T }>()
  return (value) => {
    const known = results.get(value)
    if (known !== undefined) return known.result
    if (results.size >= maxRemembered) results.clear()
    const result = work(value)
    if (value.length <= maxLength) results.set(value, { result })
    return result
  }
}
