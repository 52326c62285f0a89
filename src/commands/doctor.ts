import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { dataPaths, readConfig } from '../config.ts'
import { databaseExists, openDatabase, openDirectories } from '../db/database.ts'
import type { StateStore } from '../domain/state.ts'
import type { Tenant } from '../domain/tenant.ts'
import { missingSettings } from '../domain/tenant.ts'
import { UsageError } from '../usage.ts'

interface Finding {
  ok: boolean
  text: string
}

type Say = (ok: boolean, text: string) => void

const putBack =
  'mend the rights of its folder, or put it back from a backup with "rosterdrop restore"'

/** `rosterdrop doctor`: exit code 0 when nothing needs mending. */
export async function run(args: string[]): Promise<number> {
  if (args.length > 0) throw new UsageError(`Cannot check: "${args[0]}" is not needed`)
  const config = readConfig(process.env)
  const paths = dataPaths(config)
  const findings: Finding[] = []
  const say: Say = (ok, text) => void findings.push({ ok, text })

  try {
    await access(config.dataDir, constants.R_OK | constants.W_OK)
    say(true, 'The data folder can be read and written')
  } catch {
    say(false, 'The data folder is missing or cannot be written: start the server once, or mend it')
  }
  if (await databaseExists(paths.databaseUrl)) {
    try {
      const database = await openDatabase(paths.databaseUrl)
      try {
        await lookAtState(database.state, paths.hostKeyFile, say)
        await lookAtDirectories(paths.databaseUrl, await database.state.tenants.list(), say)
      } finally {
        await database.close()
      }
    } catch {
      say(false, `The state database cannot be opened or read: ${putBack}`)
    }
  }

  for (const { ok, text } of findings) process.stdout.write(`${ok ? 'ok  ' : 'MEND'} ${text}\n`)
  return findings.every(({ ok }) => ok) ? 0 : 1
}

async function lookAtState(state: StateStore, hostKeyFile: string, say: Say): Promise<void> {
  await state.ping()
  say(true, 'The state database opens')
  say(
    existsSync(hostKeyFile),
    existsSync(hostKeyFile)
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
  say(stuck === 0, stuck === 0 ? 'No mail waits for long' : `${stuck} mails wait for over an hour`)
}

/** Each client's users, the first of them. */
async function lookAtDirectories(url: string, tenants: readonly Tenant[], say: Say): Promise<void> {
  const directories = await openDirectories(url)
  try {
    for (const { id, name } of tenants) {
      try {
        const directory = await directories.open(id)
        try {
          await directory.users({ limit: 1 })
        } finally {
          await directory.close()
        }
      } catch {
        say(
          false,
          `Client "${name}": the database of its users cannot be opened or read: ${putBack}`,
        )
      }
    }
  } finally {
    await directories.close()
  }
}
