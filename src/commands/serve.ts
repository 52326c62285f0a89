import { readConfig } from '../config.ts'
import { consoleLink } from '../console-link.ts'
import { AppError, isAppError } from '../domain/error.ts'
import { giveStartMemoryBack } from '../idle-memory.ts'
import { createLog } from '../observe/log.ts'
import { startServer } from '../server.ts'
import { UsageError } from '../usage.ts'

/** `rosterdrop serve`: serves until SIGTERM or SIGINT, then stops cleanly with exit code 0; SIGHUP reads the certificate again. */
export async function run(args: string[]): Promise<number> {
  if (args.length > 0) throw new UsageError(`Cannot serve: "${args[0]}" is not needed`)
  const config = readConfig(process.env)
  const log = createLog({ level: config.logLevel })
  // From here on: a stop that comes while it starts, or just after, is a clean one too.
  const stopAsked = signalled()
  const server = await startServer({ config, log }).catch((error: unknown) => {
    throw startFailure(error)
  })
  if ((await server.state.tenants.list()).length === 0) {
    const { state, httpPort } = server
    const link = await consoleLink({ state, config: { ...config, httpPort }, name: 'first run' })
    process.stderr.write(firstSteps(link))
  }

  giveStartMemoryBack()

  process.on('SIGHUP', () => void server.reloadCertificate())
  await stopAsked
  log.info('stopping')
  await server.stop()
  log.info('stopped')
  return 0
}

/** What the system or the database refused, in one line: a port in use, a folder that cannot be made, no database. */
function startFailure(error: unknown): unknown {
  const coded = error instanceof Error && 'code' in error && typeof error.code === 'string'
  if (!coded || isAppError(error)) return error
  return new AppError('unavailable', `Cannot start: ${error.message}`, { cause: error })
}

const firstSteps = (link: string): string => `
There is no client yet. Make the first one in the console; this link signs you in, once:

  ${link}

Or here in another terminal:

  npm run rosterdrop -- tenant add "Maple College" --reply-to it@maple.example --failed-import-email hr@maple.example
  npm run rosterdrop -- account add "Maple College" maple

`

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false
    const onSignal = () => {
      if (seen) process.exit(1)
      seen = true
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
