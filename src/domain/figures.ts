const whole = new Intl.NumberFormat('en-US')

/** `4,310`. */
export function figure(value: number): string {
  return whole.format(value)
}

/** `1 row`, `4,310 rows`. */
export function counted(value: number, noun: string): string {
  return `${figure(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `812 bytes`, `1.4 MB`; decimal, as file managers show it. */
export function size(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte')
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

// A formatter takes a hundred times as long to make as to use, and there are some 400 zones.
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  })
  formatters.set(timeZone, made)
  return made
}

/** `2026-11-24 08:30:00 EST`: the time in an IANA zone, with the zone. */
export function moment(milliseconds: number, timeZone: string): string {
  const parts = formatterOf(timeZone).formatToParts(milliseconds)
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((one) => one.type === type)?.value ?? ''
  const date = `${part('year')}-${part('month')}-${part('day')}`
  const time = `${part('hour')}:${part('minute')}:${part('second')}`
  return `${date} ${time} ${part('timeZoneName')}`
}

// Bidirectional controls could make a file name read as another one.
const unseen = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** `text` on one line, at most `max` characters, without control characters. */
export function oneLine(text: string, max: number): string {
  const line = text.replace(/\r\n|\r|\n/g, '↵').replace(unseen, ' ')
  const characters = Array.from(line.slice(0, 2 * max + 1))
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : characters.join('')
}
