import { readConfig } from '../config.ts'
import { consoleLink } from '../console-link.ts'
import { findTenant, withState } from '../state.ts'
import { UsageError } from '../usage.ts'

/** `rosterdrop console link`. */
export async function run(args: string[]): Promise<number> {
  const [client, ...rest] = args
  if (rest.length > 0 || client?.startsWith('-') === true) {
    throw new UsageError('Cannot make a link: at most the name of one client is needed')
  }
  const config = readConfig(process.env)
  const link = await withState(async (state) => {
    if (client === undefined) return consoleLink({ state, config, name: 'console link' })
    const tenant = await findTenant(state, client)
    return consoleLink({ state, config, name: 'console link', tenant })
  })
  process.stdout.write(`Open within a day, it works once: ${link}\n`)
  return 0
}
