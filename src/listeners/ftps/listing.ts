import type { DropEntry } from '../../domain/drop.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const halfYearMs = 182 * 86_400_000

const two = (value: number): string => String(value).padStart(2, '0')

/** A line as `ls -l` prints it, times in UTC. */
export function listLine(entry: DropEntry, now: number): string {
  const { kind, writable, size, modifiedAt, name } = entry
  const folder = kind === 'folder'
  const rights = folder
    ? writable
      ? 'drwxr-xr-x'
      : 'dr-xr-xr-x'
    : writable
      ? '-rw-r--r--'
      : '-r--r--r--'
  const date = new Date(modifiedAt)
  const recent = Math.abs(now - modifiedAt) < halfYearMs
  const tail = recent
    ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
    : ` ${date.getUTCFullYear()}`
  const day = String(date.getUTCDate()).padStart(2)
  return `${rights} 1 drop drop ${String(size).padStart(12)} ${months[date.getUTCMonth()]} ${day} ${tail} ${name}\r\n`
}

/** `yyyymmddhhmmss` in UTC (RFC 3659 section 2.3). */
export function timeValue(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[-T:]|\.\d+Z$/g, '')
}

/** Milliseconds of a time value, with or without a fraction; undefined when it is none, or its day is in no calendar. */
export function parseTimeValue(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?$/.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  // A leap second is the one before the next minute (RFC 3659 section 2.3).
  const [shown, more] = second === '60' ? ['59', 1_000] : [second, 0]
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${shown}Z`)
  // Date takes February 30 and 24 o'clock for the day after.
  if (Number.isNaN(time) || timeValue(time) !== text.slice(0, 12) + shown) return undefined
  return time + more
}

/** Facts that MLSD and MLST know, in the order in which they are given (RFC 3659 section 7.5). */
export const factNames = ['type', 'size', 'modify', 'perm'] as const
export type FactName = (typeof factNames)[number]

/** What may be done with an entry: RFC 3659 section 7.5.5. */
function permissions({ kind, name, writable }: DropEntry): string {
  if (kind === 'file') return writable ? 'adfrw' : 'r'
  if (!writable) return 'el'
  // Only the drop folder itself takes new folders, and only the others can go.
  return name === '/' ? 'celm' : 'cdel'
}

/** The facts of MLSD and MLST before the name; a folder has no size. */
export function facts(entry: DropEntry, wanted: readonly FactName[]): string {
  const values: Readonly<Record<FactName, string | undefined>> = {
    type: entry.kind === 'folder' ? 'dir' : 'file',
    size: entry.kind === 'folder' ? undefined : String(entry.size),
    modify: timeValue(entry.modifiedAt),
    perm: permissions(entry),
  }
  return wanted
    .map((name) => (values[name] === undefined ? '' : `${name}=${values[name]};`))
    .join('')
}

/** Whether `name` is one that `pattern` means: `*` stands for any characters, `?` for one; in time of their product. */
export function matches(pattern: string, name: string): boolean {
  const [wanted, given] = [Array.from(pattern), Array.from(name)]
  let at = 0
  let from = 0
  /** Behind the last star, and how much of the name it stands for so far. */
  let star = -1
  let taken = 0
  while (from < given.length) {
    if (wanted[at] === '*') {
      at += 1
      star = at
      taken = from
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[from])) {
      at += 1
      from += 1
    } else if (star >= 0) {
      taken += 1
      at = star
      from = taken
    } else return false
  }
  return wanted.slice(at).every((one) => one === '*')
}
