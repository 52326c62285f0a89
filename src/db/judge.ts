import type { RowReason } from '../domain/importer.ts'
import { rowReason, shown } from '../domain/reason.ts'

// A sentence names this many lines; a file of one repeated key would make sentences as long as itself.
const maxNamedLines = 50

/** What is said of one line: reasons why it fails, or the line that it repeats. */
export interface Judged {
  reasons: RowReason[] | null
  /** The first of those that are alike, or all that it conflicts with. */
  lines: number[]
}

/** A sighting of a key that several lines have. */
export interface Sighted {
  line: number
  field: string
  value: string
  content: number
}

/** `lines 3, 5 and 8`: all of `lines` but the one at `index`. */
function otherLines(lines: readonly number[], index: number): string {
  const others = lines.slice(0, maxNamedLines + 1).filter((_, at) => at !== index)
  const named = others.slice(0, maxNamedLines).map(String)
  if (lines.length === 2) return `line ${named[0]}`
  const more = lines.length - 1 - named.length
  if (more > 0) named.push(`${more} more`)
  const last = named.pop() ?? ''
  return `lines ${named.join(', ')} and ${last}`
}

/** Judges the lines that share one key, in file order: repetitions are skipped, contradictions all fail. */
export function judgeGroup(sightings: readonly Sighted[]): { line: number; judged: Judged }[] {
  const lines = sightings.map(({ line }) => line)
  const alike = new Set(sightings.map(({ content }) => content)).size === 1
  if (alike) {
    const first = lines[0] ?? 0
    return lines.slice(1).map((line) => ({ line, judged: { reasons: null, lines: [first] } }))
  }
  return sightings.map(({ line, field, value }, index) => {
    const params = { field: shown(field), value, lines: otherLines(lines, index) }
    const named = lines.filter((_, at) => at !== index).slice(0, maxNamedLines)
    return { line, judged: { reasons: [rowReason(9110, field, params)], lines: named } }
  })
}

/** A row may share each of its keys with others: a conflict by one of them is a conflict. */
export function merged(before: Judged | undefined, judged: Judged): Judged {
  // One conflict, though by two keys: said once.
  const named = new Set(before?.lines)
  if (before?.reasons && judged.reasons && judged.lines.every((line) => named.has(line)))
    return before
  const reasons =
    before?.reasons || judged.reasons
      ? [...(before?.reasons ?? []), ...(judged.reasons ?? [])]
      : null
  if (reasons === null) return { reasons, lines: before?.lines ?? judged.lines }
  const lines = before?.reasons ? [...new Set([...before.lines, ...judged.lines])] : judged.lines
  return { reasons, lines: judged.reasons === null ? (before?.lines ?? lines) : lines }
}
