const colours: Readonly<Record<string, number>> = { debug: 90, info: 32, warn: 33, error: 31 }

function shown(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value)
}

/** A JSON line of the log as a person reads it: `08:00:01 info  ready sftpPort=2222`. */
export function prettyLine(line: string, { colour }: { colour: boolean }): string {
  const parsed: unknown = JSON.parse(line)
  const { time, level, msg, error, ...fields }: Record<string, unknown> = Object(parsed)
  const paint = (text: string, code: number) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const name = String(level)
  const { stack }: { stack?: unknown } = Object(error)
  const words = [
    paint(String(time).slice(11, 19), 90),
    paint(name.padEnd(5), colours[name] ?? 0),
    String(msg),
    ...Object.entries(fields).map(([key, value]) => `${paint(`${key}=`, 90)}${shown(value)}`),
  ]
  const trace = typeof stack === 'string' ? `\n${stack}` : ''
  return `${words.join(' ')}${trace}\n`
}
