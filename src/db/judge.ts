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

/** `line 3`, `lines 3, 5 and 8`, `lines 3, 5 and 70 more`: of `count` lines, the first. */
function named(lines: readonly number[], count: number): string {
  const words = lines.map(String)
  if (count === 1) return `line ${words[0]}`
  if (count > lines.length) words.push(`${count - lines.length} more`)
  const last = words.pop() ?? ''
  return `lines ${words.join(', ')} and ${last}`
}

/** What is known of the lines that share one key, however many they are. */
export interface Group {
  /** The first lines, in file order; enough of them to be named. */
  first: readonly number[]
  count: number
  /** All have the same content. */
  alike: boolean
}

/** How many lines of a group have to be known to judge each of them. */
export const firstLines = maxNamedLines + 1

/** Judges one of the lines that share a key: repetitions are skipped, contradictions all fail; undefined: it stands. */
export function judgeOne({ line, field, value }: Sighted, group: Group): Judged | undefined {
  const [first = line] = group.first
  if (group.alike) return line === first ? undefined : { reasons: null, lines: [first] }
  const others = group.first.filter((other) => other !== line).slice(0, maxNamedLines)
  const params = { field: shown(field), value, lines: named(others, group.count - 1) }
  return { reasons: [rowReason(9110, field, params)], lines: others }
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
