const LF = 10
const CR = 13

/** A command line: its verb in capitals, and what is behind the first space as it came. */
export interface CommandLine {
  verb: string
  argument: string
}

/** Why a line is no command. */
export type LineFault = 'too long' | 'not UTF-8'

/**
 * Frames the bytes of a control connection into command lines (RFC 959 section 4.1.3), however packets cut them.
 *
 * A line over `maxBytes` is a fault once, and is dropped up to its end.
 */
export function createLines(maxBytes: number) {
  let rest: Buffer = Buffer.alloc(0)
  let dropping = false
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  function parse(bytes: Buffer): CommandLine | LineFault {
    let text: string
    try {
      // Telnet's interrupt and data mark come before ABOR (RFC 959 section 4.1.3); they are no part of it.
      text = decoder.decode(bytes.subarray(telnetPrefix(bytes)))
    } catch {
      return 'not UTF-8'
    }
    const space = text.indexOf(' ')
    return space === -1
      ? { verb: text.toUpperCase(), argument: '' }
      : { verb: text.slice(0, space).toUpperCase(), argument: text.slice(space + 1) }
  }

  return {
    /** The lines that `bytes` complete. */
    push(bytes: Buffer): (CommandLine | LineFault)[] {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const found: (CommandLine | LineFault)[] = []
      for (;;) {
        const end = rest.indexOf(LF)
        if (end === -1) break
        const line = rest.subarray(0, end > 0 && rest[end - 1] === CR ? end - 1 : end)
        rest = rest.subarray(end + 1)
        if (dropping) dropping = false
        else if (line.length > maxBytes) found.push('too long')
        else if (line.length > 0) found.push(parse(line))
      }
      if (rest.length > maxBytes) {
        if (!dropping) found.push('too long')
        dropping = true
        rest = Buffer.alloc(0)
      }
      return found
    },
    /** Forgets what has come of a line: nothing from before TLS may count behind it. */
    clear(): void {
      rest = Buffer.alloc(0)
      dropping = false
    },
  }
}

function telnetPrefix(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === 0xff && at + 1 < bytes.length) at += 2
  return at
}
