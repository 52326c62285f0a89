import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { newId } from '../domain/id.ts'
import { newToken } from '../secret.ts'
import { findTenant, withState } from '../state.ts'
import { tokenBody } from '../../routes/token-operations.ts'
import { asApiTakes } from '../api-takes.ts'
import { UsageError } from '../usage.ts'

const dayMs = 86_400_000
// Ten years: what is to last longer has none.
const mostDays = 3_650

/** `rosterdrop token create`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      operator: { type: 'boolean', default: false },
      scope: { type: 'string' },
      days: { type: 'string' },
    },
  })
  const [tenantName, given, ...rest] = values.operator ? [null, ...positionals] : positionals
  if (tenantName === undefined || given === undefined || given === null || rest.length > 0) {
    throw new UsageError(
      'Cannot make a token: the client (or --operator) and a name for the token are needed',
    )
  }
  if (values.operator && values.scope !== undefined) {
    throw new UsageError(
      'Cannot make a token: --operator has a scope of its own, one of --operator and --scope is needed',
    )
  }
  const asked = values.scope ?? 'tenant'
  // A client's token never has the operator's scope: it would read all clients.
  if (asked !== 'tenant' && asked !== 'monitor') {
    throw new UsageError(`Cannot make a token: "${asked}" is no scope, tenant or monitor is needed`)
  }
  const scope = values.operator ? 'operator' : asked
  const days = values.days === undefined ? null : Number(values.days)
  if (days !== null && !(Number.isInteger(days) && days > 0 && days <= mostDays)) {
    throw new UsageError(
      `Cannot make a token: --days "${values.days}" is not a whole number from 1 to ${mostDays}`,
    )
  }
  const { name } = asApiTakes(
    tokenBody.pick({ name: true }),
    { name: given },
    'Cannot make a token',
  )
  const { token, hash } = newToken(systemClock)
  const createdAt = systemClock.now()
  await withState(async (state) => {
    const tenantId = tenantName === null ? null : (await findTenant(state, tenantName)).id
    await state.tokens.create({
      id: newId('token', systemClock),
      tenantId,
      scope,
      name,
      hash,
      createdAt,
      expiresAt: days === null ? null : createdAt + days * dayMs,
      lastUsedAt: null,
      revokedAt: null,
    })
  })
  process.stdout.write(`Token (shown this once): ${token}\n`)
  return 0
}
