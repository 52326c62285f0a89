import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { newId } from '../domain/id.ts'
import { defaultSettings } from '../domain/tenant.ts'
import { isMailAddress } from '../domain/mail-address.ts'
import { withState } from '../state.ts'
import { loginSourcesBody, tenantBody, userTypesBody } from '../../routes/tenant-operations.ts'
import { asApiTakes } from '../api-takes.ts'
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
  const [given, ...rest] = positionals
  const replyTo = values['reply-to']
  const failedImportEmail = list(values['failed-import-email'])
  if (given === undefined || rest.length > 0) {
    throw new UsageError('Cannot add a client: one name is needed, in quotes if it has spaces')
  }
  const cannot = `Cannot add the client "${given}"`
  const { name } = asApiTakes(tenantBody, { name: given }, cannot)
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
  const types = list(values['user-types']).map((type, index) => ({
    id: String(index + 1),
    name: type,
  }))
  const { data: userTypes } = asApiTakes(userTypesBody, { data: types }, `${cannot}: --user-types`)
  const sources = { data: list(values['login-sources']) }
  const { data: loginSources } = asApiTakes(loginSourcesBody, sources, `${cannot}: --login-sources`)
  const settings = { replyTo, failedImportEmail }
  asApiTakes(tenantBody, { name, settings }, cannot)
  const id = newId('tenant', systemClock)
  await withState((state) =>
    state.tenants.create({
      id,
      name,
      settings: { ...defaultSettings, ...settings },
      settingsVersion: 1,
      userTypes,
      loginSources,
      createdAt: systemClock.now(),
    }),
  )
  process.stdout.write(`Added the client "${name}" (${id})\n`)
  return 0
}
