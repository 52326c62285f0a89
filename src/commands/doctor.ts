import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { dataPaths, readConfig } from '../config.ts'
import { databaseExists, openDatabase } from '../db/database.ts'
import { missingSettings } from '../domain/tenant.ts'
import { UsageError } from '../usage.ts'

interface Finding {
  ok: boolean
  text: string
}

/** `rosterdrop doctor`: exit code 0 when nothing needs mending. */
export async function run(args: string[]): Promise<number> {
  if (args.length > 0) throw new UsageError(`Cannot check: "${args[0]}" is not needed`)
  const config = readConfig(process.env)
  const paths = dataPaths(config)
  const findings: Finding[] = []
  const say = (ok: boolean, text: string) => findings.push({ ok, text })

  try {
    await access(config.dataDir, constants.R_OK | constants.W_OK)
    say(true, 'The data folder can be read and written')
  } catch {
    say(false, 'The data folder is missing or cannot be written: start the server once, or mend it')
  }
  if (await databaseExists(paths.databaseUrl)) {
    const database = await openDatabase(paths.databaseUrl)
    const { state } = database
    await state.ping()
    say(true, 'The state database opens')
    say(
      existsSync(paths.hostKeyFile),
      existsSync(paths.hostKeyFile)
        ? 'The SFTP host key is there'
        : 'The SFTP host key is missing: put it back from a backup, or "rosterdrop hostkey new --replace"',
    )
    for (const tenant of await state.tenants.list()) {
      const missing = missingSettings(tenant)
      const accounts = await state.accounts.list(tenant.id)
      if (missing.length > 0) {
        say(false, `Client "${tenant.name}": set ${missing.join(' and ')}, no mail is sent before`)
      } else if (accounts.length === 0) {
        say(false, `Client "${tenant.name}": has no login, "rosterdrop account add" makes one`)
      } else {
        say(true, `Client "${tenant.name}" is ready`)
      }
    }
    const stuck = (await state.outbox.due(Date.now() - 3_600_000, 1_000)).length
    say(
      stuck === 0,
      stuck === 0 ? 'No mail waits for long' : `${stuck} mails wait for over an hour`,
    )
    await database.close()
  }

  for (const { ok, text } of findings) process.stdout.write(`${ok ? 'ok  ' : 'MEND'} ${text}\n`)
  return findings.every(({ ok }) => ok) ? 0 : 1
}
