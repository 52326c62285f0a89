import type { Context } from 'hono'
import { AppError, isAppError } from '../src/domain/error.ts'
import { baseName } from '../src/domain/layout.ts'
import type { FileStore } from '../src/domain/storage.ts'

const readBytes = 256 * 1024

/** Streams the CSV at `path` of the store as a download. Throws `not_found` when it is gone. */
export async function sendCsv(
  context: Context,
  files: Pick<FileStore, 'openRead'>,
  path: string,
): Promise<Response> {
  const reader = await files.openRead(path).catch((error: unknown) => {
    if (!isAppError(error, 'not_found')) throw error
    // The store's own sentence names its path.
    throw new AppError('not_found', 'Cannot send the file: it is past its time and was deleted', {
      cause: error,
    })
  })
  let position = 0
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const bytes = await reader.read(position, readBytes)
        position += bytes.length
        if (bytes.length > 0) return controller.enqueue(bytes)
        await reader.close()
        controller.close()
      } catch (error) {
        await reader.close()
        controller.error(error)
      }
    },
    cancel: () => reader.close(),
  })
  return context.body(stream, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-length': String(reader.size),
    'content-disposition': attachment(baseName(path)),
  })
}

/** `Content-Disposition` for a file name with any characters (RFC 6266, RFC 8187). */
export function attachment(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename*=UTF-8''${encoded}`
}
