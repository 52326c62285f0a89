import type { DropReader, DropUpload } from '../../domain/drop.ts'
import { AppError } from '../../domain/error.ts'
import type { FtpsLimits } from './limits.ts'
import { createBatches } from './batches.ts'
import { Refusal } from './reply.ts'
import type { SecureStream } from './secure.ts'

/** Resolves when the handshake is done; throws when it fails or takes too long. */
export function handshake(
  { onSecure, onError, onRawEnd }: SecureStream,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => {
      clearTimeout(timer)
      reject(new AppError('unavailable', `Cannot transfer: ${why}`))
    }
    const timer = setTimeout(() => failed('the TLS handshake took too long'), timeoutMs)
    onSecure(() => {
      clearTimeout(timer)
      resolve()
    })
    onError(() => failed('the TLS handshake failed'))
    onRawEnd(() => failed('the data connection was lost'))
  })
}

/** How the bytes of an upload ended. */
export type UploadEnd = 'clean' | 'cut' | 'stalled'

/**
 * Takes an upload off a data connection, from `position` on.
 *
 * `clean` is a close_notify of TLS; a FIN or reset without one, or an error, is `cut`, and silence is `stalled`
 * (transfer.md). Throws what the drop session throws; the rest of the data is not read then.
 */
export async function receive(
  stream: SecureStream,
  upload: DropUpload,
  { position, limits }: { position: number; limits: FtpsLimits },
): Promise<UploadEnd> {
  const { tls } = stream
  const end = Promise.withResolvers<UploadEnd>()
  const cut = (): void => end.resolve('cut')
  const batches = createBatches(upload, {
    position,
    limits,
    hold: (held) => stream.hold(held),
    onFailure: cut,
  })
  let quiet = setTimeout(() => end.resolve('stalled'), limits.stallMs)

  stream.onData((chunk) => {
    quiet.refresh()
    batches.push(chunk)
  })
  stream.onCleanEnd(() => end.resolve('clean'))
  stream.onError(cut)
  stream.onRawEnd(() => {
    clearTimeout(quiet)
    // What came before the socket's end, and the close_notify in it, is still on its way through the TLS.
    quiet = setTimeout(cut, tls.destroyed ? 0 : limits.drainMs)
  })

  const how = await end.promise
  clearTimeout(quiet)
  try {
    await batches.finish()
  } finally {
    stream.release()
    // Some clients wait for our close_notify before they listen for the 226.
    tls.end()
  }
  return how
}

/** Sends `chunks` and ends with close_notify; throws when the peer is gone. */
export async function send(
  { tls, onData, onError, onRawEnd }: SecureStream,
  chunks: AsyncIterable<Uint8Array>,
  stallMs: number,
): Promise<void> {
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  const gone = (): void =>
    lost.reject(new Refusal(426, 'unavailable', 'Cannot transfer: the data connection was lost'))
  onError(gone)
  onRawEnd(gone)
  onData(() => undefined)
  const taken = async (done: Promise<void>): Promise<void> => {
    const stalled = setTimeout(gone, stallMs)
    await Promise.race([done, lost.promise]).finally(() => clearTimeout(stalled))
  }
  for await (const chunk of chunks) {
    if (!tls.write(chunk)) await taken(new Promise((resolve) => tls.once('drain', resolve)))
  }
  await taken(new Promise((resolve) => tls.end(() => resolve())))
}

/** The bytes of a file from `position` on. */
export async function* chunksOf(
  reader: DropReader,
  position: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = position; at < reader.size;) {
    const bytes = await reader.read(at, length)
    if (bytes.length === 0) return
    at += bytes.length
    yield bytes
  }
}
