import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from './domain/error.ts'

/** Writes a key so that it is whole or absent after a kill, and readable by its owner alone. */
export async function writeKey(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const staged = `${file}.new`
  const handle = await open(staged, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(staged, file)
}

/**
 * The SFTP host key: made at the first start and kept.
 *
 * A missing key beside existing data is refused: a new one would look like an attack to every client.
 */
export async function hostKey(
  file: string,
  options: {
    stateExists: boolean
    make: () => string
    /** Several processes: they have one key, kept in their database, unless a file is given to each. */
    shared?: (name: string, make: () => string) => Promise<string>
  },
): Promise<string> {
  if (existsSync(file)) return readFile(file, 'utf8')
  if (options.shared !== undefined) return options.shared('ssh_host_ed25519_key', options.make)
  if (options.stateExists) {
    throw new AppError(
      'conflict',
      'Cannot start: the SFTP host key is missing although there is data, put keys/ssh_host_ed25519_key back from a backup, or make a new one with "rosterdrop hostkey new --replace" (every client will be warned)',
    )
  }
  const key = options.make()
  await writeKey(file, key)
  return key
}
