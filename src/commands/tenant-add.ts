import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { newId } from '../domain/id.ts'
import { defaultSettings } from '../domain/tenant.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { withState } from '../state.ts'
import { UsageError } from '../usage.ts'

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** `rosterdrop tenant add`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      'reply-to': { type: 'string' },
      'failed-import-email': { type: 'string' },
      'user-types': { type: 'string' },
      'login-sources': { type: 'string' },
    },
  })
  const [name, ...rest] = positionals
  const replyTo = values['reply-to']
  const failedImportEmail = list(values['failed-import-email'])
  if (name === undefined || rest.length > 0) {
    throw new UsageError('Cannot add a client: one name is needed, in quotes if it has spaces')
  }
  if (replyTo === undefined || failedImportEmail.length === 0) {
    throw new UsageError(
      `Cannot add the client "${name}": both --reply-to (Reply-to Admin Email Address) and --failed-import-email (Failed Import Email) are needed`,
    )
  }
  for (const address of [replyTo, ...failedImportEmail]) {
    if (!isMailAddress(address)) {
      throw new UsageError(
        `Cannot add the client "${name}": "${address}" is not a mail address, such as it@college.example`,
      )
    }
  }
  const id = newId('tenant', systemClock)
  await withState((state) =>
    state.tenants.create({
      id,
      name,
      settings: { ...defaultSettings, replyTo, failedImportEmail },
      settingsVersion: 1,
      userTypes: list(values['user-types']).map((type, index) => ({
        id: String(index + 1),
        name: type,
      })),
      loginSources: list(values['login-sources']),
      createdAt: systemClock.now(),
    }),
  )
  process.stdout.write(`Added the client "${name}" (${id})\n`)
  return 0
}
