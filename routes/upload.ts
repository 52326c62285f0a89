import { AppError } from '../src/domain/error.ts'
import { nameKind } from '../src/domain/layout.ts'
import { readFilePart } from './multipart.ts'
import type { FilePart, Spent } from './multipart.ts'
import { mediaType } from './parse.ts'

/** Types that a file may come as. */
export const uploadTypes = ['text/csv', 'multipart/form-data'] as const

// As long as a name in the drop folder may be, in characters.
const maxNameLength = 200
// Boundaries and headers of a form round its file.
const formBytes = 64 * 1024

/**
 * The file in the body of a request, streaming; the name in the query goes before that of a form.
 *
 * Throws `unsupported`, `too_large` (when the length is told) or `invalid`; so do the bytes when the body is cut.
 */
export async function openUpload(
  request: Request,
  {
    filename,
    maxBytes,
    onSpent,
  }: { filename: string | undefined; maxBytes: number; onSpent?: Spent | undefined },
): Promise<FilePart> {
  const type = mediaType(request)
  if (!uploadTypes.some((one) => one === type)) {
    throw new AppError(
      'unsupported',
      `Cannot take the body: its type is "${type.slice(0, 60)}", Content-Type: text/csv or multipart/form-data is needed`,
    )
  }
  const coding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (coding !== 'identity') {
    throw new AppError(
      'unsupported',
      `Cannot take the body: its Content-Encoding is "${coding.slice(0, 60)}", the plain bytes of the file are needed`,
    )
  }
  const told = request.headers.get('content-length')
  const length = told === null ? undefined : Number(told)
  const form = type === 'multipart/form-data'
  if (length !== undefined && length > maxBytes + (form ? formBytes : 0)) {
    throw new AppError(
      'too_large',
      `Cannot take the file: it has ${length} bytes, at most ${maxBytes} are allowed, split it`,
    )
  }
  const body = whole(chunksOf(request.body), length)
  const part = form
    ? await readFilePart(body, request.headers.get('content-type') ?? '', onSpent)
    : { filename: 'upload.csv', bytes: spending(body, onSpent) }
  const name = filename ?? part.filename
  if (nameKind(name) !== 'taken' || name.length > maxNameLength || /[/\p{Cc}]/u.test(name)) {
    await part.bytes.return(undefined)
    throw new AppError(
      'invalid',
      `Cannot take the file name "${name.slice(0, 60)}": a plain name ending in .csv, .txt or .tsv is needed`,
    )
  }
  return { filename: name, bytes: await notEmpty(part.bytes) }
}

async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // The sender need not go on; its connection is closed by the server.
    await reader.cancel().catch(() => undefined)
  }
}

/** The same bytes; each piece is spent when the next one is asked for. */
async function* spending(
  pieces: AsyncGenerator<Uint8Array>,
  onSpent: Spent = () => undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece
    onSpent(piece)
  }
}

/** The same bytes; throws when they are fewer than was told, or when the connection was lost. */
async function* whole(
  chunks: AsyncGenerator<Uint8Array>,
  length: number | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0
  const cut = (cause?: unknown) =>
    new AppError(
      'invalid',
      `Cannot import: the body was cut after ${received} bytes, send the file again`,
      { cause },
    )
  const pieces = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await pieces.next().catch((error: unknown) => {
        throw cut(error)
      })
      if (done === true) break
      received += value.length
      yield value
    }
    if (length !== undefined && received !== length) throw cut()
  } finally {
    await pieces.return(undefined)
  }
}

/** The same bytes; throws at once when there are none. */
async function notEmpty(bytes: AsyncGenerator<Uint8Array>): Promise<AsyncGenerator<Uint8Array>> {
  let first = await bytes.next()
  while (first.done !== true && first.value.length === 0) first = await bytes.next()
  if (first.done === true) {
    throw new AppError('invalid', 'Cannot import: the file is empty, a CSV with a header is needed')
  }
  const { value } = first
  return (async function* () {
    try {
      yield value
      yield* bytes
    } finally {
      await bytes.return(undefined)
    }
  })()
}
