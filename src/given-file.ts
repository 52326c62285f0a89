import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { AppError } from './domain/error.ts'

/** Bytes of a file that a command was given. Throws AppError in one sentence where it cannot be read as one. */
export async function fileSize(path: string, verb: string): Promise<number> {
  const refusal = (why: string, cause?: unknown) =>
    new AppError('not_found', `Cannot ${verb} "${path}": ${why}`, { cause })
  const found = await stat(path).catch((error: unknown) => {
    throw refusal('there is no such file', error)
  })
  if (!found.isFile()) throw refusal('it is no file, the path of a CSV is needed')
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw refusal('it cannot be read, its permissions are to be mended', error)
  })
  return found.size
}
