import type { DropReader, DropUpload } from '../../domain/drop.ts'
import { AppError } from '../../domain/error.ts'
import type { FtpsLimits } from './limits.ts'
import { Refusal } from './reply.ts'
import type { SecureStream } from './secure.ts'

/**
 * Resolves when the handshake is done; throws when it fails or takes too long.
 *
 * `closed early`: a client that resumes its TLS session and has nothing to send may close its side in order before it
 * has answered the handshake (docs/decisions/0021).
 */
export function handshake(
  { tls, onRawEnd }: SecureStream,
  timeoutMs: number,
): Promise<'done' | 'closed early'> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => {
      clearTimeout(timer)
      reject(new AppError('unavailable', `Cannot transfer: ${why}`))
    }
    const timer = setTimeout(() => failed('the TLS handshake took too long'), timeoutMs)
    tls.once('secure', () => {
      clearTimeout(timer)
      resolve('done')
    })
    tls.once('error', () => failed('the TLS handshake failed'))
    onRawEnd((how) => {
      clearTimeout(timer)
      if (how === 'fin' && tls.isSessionReused()) resolve('closed early')
      else failed('the data connection was lost')
    })
  })
}

/** How the bytes of an upload ended. */
export type UploadEnd = 'clean' | 'cut'

/**
 * Takes an upload off a data connection, from `position` on.
 *
 * `clean` is a close_notify of TLS; a FIN or reset without one, an error, or silence is `cut` (transfer.md). Throws
 * what the drop session throws; the rest of the data is not read then.
 */
export async function receive(
  stream: SecureStream,
  upload: DropUpload,
  { position, limits }: { position: number; limits: FtpsLimits },
): Promise<UploadEnd> {
  const { tls } = stream
  let at = position
  let inFlight = 0
  let gathered: Buffer[] = []
  let gatheredBytes = 0
  let tail: Promise<void> = Promise.resolve()
  let failure: { error: unknown } | undefined
  const end = Promise.withResolvers<UploadEnd>()
  let quietMs = limits.stallMs
  let stall = setTimeout(() => end.resolve('cut'), quietMs)
  function awaken(): void {
    clearTimeout(stall)
    stall = setTimeout(() => end.resolve('cut'), quietMs)
  }

  function write(): void {
    if (gatheredBytes === 0) return
    const bytes = gathered.length === 1 ? (gathered[0] ?? Buffer.alloc(0)) : Buffer.concat(gathered)
    const offset = at
    at += bytes.length
    gathered = []
    gatheredBytes = 0
    tail = tail.then(async () => {
      if (failure !== undefined) return
      try {
        await upload.write(offset, bytes)
      } catch (error) {
        failure = { error }
        end.resolve('cut')
      }
      inFlight -= bytes.length
      if (inFlight < limits.inFlightBytes) stream.hold(false)
    })
  }

  stream.onData((chunk) => {
    awaken()
    gathered.push(chunk)
    gatheredBytes += chunk.length
    inFlight += chunk.length
    if (gatheredBytes >= limits.batchBytes) write()
    if (inFlight >= limits.inFlightBytes) {
      write()
      stream.hold(true)
    }
  })
  stream.onCleanEnd(() => end.resolve('clean'))
  tls.once('error', () => end.resolve('cut'))
  stream.onRawEnd(() => {
    if (tls.destroyed) {
      end.resolve('cut')
      return
    }
    // What came before the socket's end, and the close_notify in it, is still on its way through the TLS.
    quietMs = limits.drainMs
    awaken()
  })

  const how = await end.promise
  clearTimeout(stall)
  write()
  await tail
  stream.release()
  // Some clients wait for our close_notify before they listen for the 226.
  tls.end()
  if (failure !== undefined) throw failure.error
  return how
}

/** Sends `chunks` and ends with close_notify; throws when the peer is gone. */
export async function send(
  { tls, onData, onRawEnd }: SecureStream,
  chunks: AsyncIterable<Uint8Array>,
  stallMs: number,
): Promise<void> {
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  const gone = (): void =>
    lost.reject(new Refusal(426, 'unavailable', 'Cannot transfer: the data connection was lost'))
  tls.on('error', gone)
  onRawEnd(gone)
  onData(() => undefined)
  for await (const chunk of chunks) {
    if (tls.write(chunk)) continue
    const stalled = setTimeout(gone, stallMs)
    await Promise.race([new Promise((resolve) => tls.once('drain', resolve)), lost.promise])
    clearTimeout(stalled)
  }
  await Promise.race([new Promise<void>((resolve) => tls.end(() => resolve())), lost.promise])
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
