import { AppError } from '../src/domain/error.ts'

// Browsers send some 200 bytes of headers; a name of 255 characters, percent-encoded, fits ten times.
const maxHeadBytes = 16 * 1024
// After the closing boundary nothing has a meaning.
const maxEpilogueBytes = 4 * 1024

const [carriageReturn, lineFeed, dash] = [0x0d, 0x0a, 0x2d]

/** The one file of a `multipart/form-data` body. */
export interface FilePart {
  filename: string
  /** Ends when the part and the body are whole; throws AppError `invalid` otherwise. */
  bytes: AsyncGenerator<Uint8Array>
}

/** Told of a piece of a body, or of a copy of some, that nobody looks at any more. */
export type Spent = (bytes: Uint8Array) => void

/**
 * Reads a body up to the content of its one file, which then streams (RFC 7578).
 *
 * Throws AppError `invalid` for a body with anything but one file.
 */
export async function readFilePart(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  onSpent: Spent = () => undefined,
): Promise<FilePart> {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(contentType)
  if (boundary === null) throw refusal('it names no boundary')
  const source = windowOf(body[Symbol.asyncIterator](), onSpent)
  const first = new TextEncoder().encode(`--${boundary[1] ?? boundary[2] ?? ''}`)
  const headers = await readHead(source, first)
  const delimiter = new Uint8Array([carriageReturn, lineFeed, ...first])
  return { filename: filenameOf(headers), bytes: content(source, delimiter) }
}

function refusal(what: string): AppError {
  return new AppError(
    'invalid',
    `Cannot take the form: ${what}, one file in one part is needed (options go into the query)`,
  )
}

interface Window {
  /** What was received and not used yet. */
  bytes: Uint8Array
  /** Receives more; false at the end of the body. */
  more(): Promise<boolean>
  /** Tells the sender that no more is wanted. */
  stop(): Promise<void>
}

function windowOf(pieces: AsyncIterator<Uint8Array>, onSpent: Spent): Window {
  // What the bytes of the window lie in.
  let under: Uint8Array = new Uint8Array(0)
  const window: Window = {
    bytes: new Uint8Array(0),
    async more() {
      const { done, value } = await pieces.next()
      if (done === true) return false
      const before = under
      if (window.bytes.length === 0) {
        window.bytes = under = value
        onSpent(before)
        return true
      }
      const joined = new Uint8Array(window.bytes.length + value.length)
      joined.set(window.bytes)
      joined.set(value, window.bytes.length)
      window.bytes = under = joined
      onSpent(before)
      onSpent(value)
      return true
    },
    async stop() {
      await pieces.return?.()
    },
  }
  return window
}

/** The headers of the first part; the window begins with its content then. */
async function readHead(source: Window, first: Uint8Array): Promise<string> {
  const end = new Uint8Array([carriageReturn, lineFeed, carriageReturn, lineFeed])
  for (;;) {
    const at = find(source.bytes, first, 0)
    const ends = at < 0 ? -1 : find(source.bytes, end, at + first.length)
    if (ends >= 0) {
      const head = source.bytes.subarray(at + first.length, ends)
      source.bytes = source.bytes.subarray(ends + end.length)
      return new TextDecoder().decode(head)
    }
    if (source.bytes.length > maxHeadBytes) throw refusal('its first part has no end of headers')
    if (!(await source.more())) throw refusal('it ends before its first part')
  }
}

function filenameOf(headers: string): string {
  if (/^content-transfer-encoding:\s*(?!binary|8bit|7bit)/im.test(headers)) {
    throw refusal('its part has a transfer encoding')
  }
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(headers)?.[1] ?? ''
  const quoted = /;?\s*filename="((?:[^"\\]|\\.)*)"/i.exec(disposition)?.[1]
  const name = quoted ?? /;?\s*filename=([^\s;"]+)/i.exec(disposition)?.[1]
  if (name === undefined || name === '') throw refusal('its first part is no file')
  const plain = name
    // curl puts a backslash in front, browsers write percent signs (WHATWG HTML, multipart form data).
    .replace(/\\(["\\])/g, '$1')
    .replace(/%22/g, '"')
    .replace(/%0[DA]/gi, ' ')
  return plain.slice(Math.max(plain.lastIndexOf('/'), plain.lastIndexOf('\\')) + 1)
}

async function* content(source: Window, delimiter: Uint8Array): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const at = find(source.bytes, delimiter, 0)
      // The last bytes may be the beginning of the delimiter.
      const sure = at >= 0 ? at : Math.max(0, source.bytes.length - delimiter.length + 1)
      if (sure > 0) yield source.bytes.subarray(0, sure)
      source.bytes = source.bytes.subarray(at >= 0 ? at + delimiter.length : sure)
      if (at >= 0) break
      if (!(await source.more())) throw refusal('it was cut before its end')
    }
    await readEnd(source)
  } finally {
    await source.stop()
  }
}

async function readEnd(source: Window): Promise<void> {
  while (source.bytes.length < 2) {
    if (!(await source.more())) throw refusal('it was cut before its end')
  }
  if (source.bytes[0] !== dash || source.bytes[1] !== dash) {
    throw refusal('it has more than one part')
  }
  while (await source.more()) {
    if (source.bytes.length > maxEpilogueBytes) throw refusal('it goes on after its end')
  }
}

/** Where `wanted`, which begins with CR or `-`, is in `bytes`; -1 when it is not. */
function find(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const first = wanted[0] ?? 0
  const last = bytes.length - wanted.length
  let at = bytes.indexOf(first, from)
  while (at >= 0 && at <= last) {
    let same = 1
    while (same < wanted.length && bytes[at + same] === wanted[same]) same += 1
    if (same === wanted.length) return at
    at = bytes.indexOf(first, at + 1)
  }
  return -1
}
