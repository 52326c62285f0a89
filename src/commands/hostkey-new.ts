import { parseArgs } from 'node:util'
import { dataPaths, readConfig } from '../config.ts'
import { writeKey } from '../keys.ts'
import { fingerprint, generateHostKey } from '../listeners/sftp/host-key.ts'
import { UsageError } from '../usage.ts'

/** `rosterdrop hostkey new`. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { replace: { type: 'boolean', default: false } } })
  if (!values.replace) {
    throw new UsageError(
      'Cannot make a new host key: --replace is needed, every client will be warned that the server has changed',
    )
  }
  const key = generateHostKey()
  await writeKey(dataPaths(readConfig(process.env)).hostKeyFile, key)
  process.stdout.write(`New SFTP host key: ${fingerprint(key)}\nRestart the server to use it\n`)
  return 0
}
