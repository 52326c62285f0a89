/** Which bytes of an upload have come: all before `end`, and pieces behind gaps. */
export interface Extents {
  readonly end: number
  readonly size: number
  /** Where the first piece behind a gap begins. */
  readonly next: number | undefined
  add(from: number, to: number): void
  /** Forgets what is at `size` or behind. */
  cut(size: number): void
}

/** Nothing has come yet but the bytes before `begin`. */
export function createExtents(begin: number): Extents {
  let end = begin
  // Behind gaps, in order, apart from each other.
  let pieces: { from: number; to: number }[] = []

  return {
    get end() {
      return end
    },
    get size() {
      return pieces.at(-1)?.to ?? end
    },
    get next() {
      return pieces[0]?.from
    },
    add(from, to) {
      if (from === to) return
      const [whole, rest] = [{ from, to }, [] as typeof pieces]
      for (const piece of pieces) {
        if (piece.to < whole.from || piece.from > whole.to) rest.push(piece)
        else {
          whole.from = Math.min(whole.from, piece.from)
          whole.to = Math.max(whole.to, piece.to)
        }
      }
      if (whole.from <= end) end = Math.max(end, whole.to)
      else rest.push(whole)
      pieces = rest.toSorted((a, b) => a.from - b.from)
    },
    cut(size) {
      end = Math.min(end, size)
      pieces = pieces
        .filter(({ from }) => from < size)
        .map(({ from, to }) => ({ from, to: Math.min(to, size) }))
    },
  }
}
