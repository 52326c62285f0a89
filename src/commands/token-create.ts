import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { newId } from '../domain/id.ts'
import { newToken } from '../secret.ts'
import { findTenant, withState } from '../state.ts'
import { UsageError } from '../usage.ts'

const dayMs = 86_400_000

/** `rosterdrop token create`. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      operator: { type: 'boolean', default: false },
      scope: { type: 'string', default: 'tenant' },
      days: { type: 'string' },
    },
  })
  const [tenantName, name, ...rest] = values.operator ? [null, ...positionals] : positionals
  if (tenantName === undefined || name === undefined || name === null || rest.length > 0) {
    throw new UsageError(
      'Cannot make a token: the client (or --operator) and a name for the token are needed',
    )
  }
  const scope = values.operator ? 'operator' : values.scope
  if (scope !== 'operator' && scope !== 'tenant' && scope !== 'monitor') {
    throw new UsageError(`Cannot make a token: "${scope}" is no scope, tenant or monitor is needed`)
  }
  const days = values.days === undefined ? null : Number(values.days)
  if (days !== null && !(Number.isInteger(days) && days > 0)) {
    throw new UsageError(`Cannot make a token: --days "${values.days}" is not a whole number`)
  }
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
