import { text as readAll } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { protocols } from '../domain/account.ts'
import { newId } from '../domain/id.ts'
import { parsePublicKey } from '../domain/public-key.ts'
import { createPasswordHasher } from '../drop/password.ts'
import { leastPasswordLength, newPassword } from '../domain/new-password.ts'
import { findTenant, withState } from '../state.ts'
import { accountBody } from '../../routes/account-operations.ts'
import { asApiTakes } from '../api-takes.ts'
import { UsageError } from '../usage.ts'

/** `rosterdrop account add`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      key: { type: 'string', multiple: true },
      'password-stdin': { type: 'boolean' },
    },
  })
  const [tenantName, name, ...rest] = positionals
  if (tenantName === undefined || name === undefined || rest.length > 0) {
    throw new UsageError('Cannot add an account: the client and a login name are needed')
  }
  const keys = (values.key ?? []).map(parsePublicKey)
  const given = values['password-stdin']
    ? (await readAll(process.stdin)).replace(/\r?\n$/, '')
    : null
  if (given !== null && given.length < leastPasswordLength) {
    throw new UsageError(
      `Cannot add the account "${name}": the password has ${given.length} characters, at least ${leastPasswordLength} are needed`,
    )
  }
  const cannot = `Cannot add the account "${name}"`
  asApiTakes(accountBody, { name, keys: values.key, password: given ?? undefined }, cannot)
  // With a key and no wish for a password, the account has none to guess.
  const password = given ?? (keys.length > 0 ? null : newPassword(systemClock))
  const passwordHash = password === null ? null : await createPasswordHasher().hash(password)

  await withState(async (state) => {
    const tenant = await findTenant(state, tenantName)
    await state.accounts.create({
      id: newId('account', systemClock),
      tenantId: tenant.id,
      name,
      passwordHash,
      keys,
      protocols: [...protocols],
      allowedNetworks: [],
      expiresAt: null,
      disabled: false,
      createdAt: systemClock.now(),
      lastLoginAt: null,
    })
    process.stdout.write(`Added the account "${name}" of the client "${tenant.name}"\n`)
  })
  if (password !== null && given === null) {
    process.stdout.write(`Password (shown this once): ${password}\n`)
  }
  return 0
}
