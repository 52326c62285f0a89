import type { Context } from 'hono'
import { AppError } from '../../src/domain/error.ts'
import { mediaType } from '../parse.ts'

// Hundreds of column names and keys fit.
const maxFormBytes = 256 * 1024

/** The fields of a form. Throws `unsupported` or `too_large`. */
export async function readForm(context: Context): Promise<URLSearchParams> {
  const request = context.req.raw
  if (request.body === null) return new URLSearchParams()
  if (mediaType(request) !== 'application/x-www-form-urlencoded') {
    throw new AppError('unsupported', 'Cannot read the form: it is not sent as a form of this page')
  }
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of request.body) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > maxFormBytes) {
      throw new AppError('too_large', `Cannot read the form: it is over ${maxFormBytes} bytes`)
    }
  }
  return new URLSearchParams(text + decoder.decode())
}
