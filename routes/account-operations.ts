import { z } from 'zod'
import { protocols } from '../src/domain/account.ts'
import type { Account } from '../src/domain/account.ts'
import type { Clock } from '../src/domain/clock.ts'
import { AppError, isAppError } from '../src/domain/error.ts'
import { newId } from '../src/domain/id.ts'
import { isNetwork } from '../src/domain/network.ts'
import { leastPasswordLength, newPassword } from '../src/domain/new-password.ts'
import { parsePublicKey } from '../src/domain/public-key.ts'
import type { AccountStore, AuditStore } from '../src/domain/state.ts'
import { audited } from './audit-trail.ts'
import type { Caller } from './auth.ts'
import { InvalidRequest } from './problem.ts'
import { areDistinct, notDistinct } from './settings-schema.ts'

const publicKey = z
  .string()
  .max(6000)
  .superRefine((line, context) => {
    try {
      parsePublicKey(line)
    } catch (error) {
      if (!isAppError(error)) throw error
      const message = error.message.replace('Cannot read the public key:', 'cannot be read:')
      context.addIssue({ code: 'custom', message })
    }
  })
  .meta({
    description: 'A line of an .pub file',
    examples: [
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICTHx2xERFYEXuZM3TPgyfhhPuRjFy9UGtJYnl5gJ4D+ ada',
    ],
  })

const members = {
  name: z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u, {
      error: 'is not 1 to 64 letters, digits and . _ @ -, beginning with a letter or a digit',
    })
    .meta({ description: 'The login; unique on the whole server, case-sensitive' }),
  keys: z.array(publicKey).max(50),
  protocols: z.array(z.enum(protocols)).min(1).refine(areDistinct, notDistinct),
  allowedNetworks: z
    .array(
      z.string().max(50).refine(isNetwork, {
        error: 'is no address and no CIDR range, such as 192.0.2.0/24 or 2001:db8::/32',
      }),
    )
    .max(100)
    .meta({ description: 'Where logins may come from; empty: from anywhere' }),
  expiresAt: z.iso.datetime({ offset: true }).nullable(),
  disabled: z.boolean(),
}

const passwordText = z.string().min(leastPasswordLength).max(128)

/** A login to add. */
export const accountBody = z
  .strictObject({
    name: members.name,
    password: passwordText.nullable().optional().meta({
      description: 'Null: keys only. Not there: made, and shown once, unless there are keys',
    }),
    keys: members.keys.default([]),
    protocols: members.protocols.default([...protocols]),
    allowedNetworks: members.allowedNetworks.default([]),
    expiresAt: members.expiresAt.default(null),
    disabled: members.disabled.default(false),
  })
  .meta({ id: 'AccountBody' })

/** What of a login can be changed; what is not there stays. */
export const accountPatch = z
  .strictObject({
    ...members,
    password: passwordText.nullable().meta({ description: 'Null: keys only' }),
    newPassword: z.literal(true).meta({ description: 'Make a password, and show it once' }),
  })
  .partial()
  .meta({ id: 'AccountPatch' })

/** A login as it is stored now, and its password when it was made just now: nobody can show it again. */
export interface AccountChange {
  account: Account
  password: string | null
}

/**
 * What can be done with the logins of a client, for API and console alike; each change is kept in the audit.
 *
 * Bodies are parsed by the schemas of this file. All throw `not_found` for a login that the client lacks.
 */
export function accountOperations(options: {
  accounts: AccountStore
  audit: Pick<AuditStore, 'append'>
  clock: Clock
  /** A PHC string; the roof has the hasher. */
  hashPassword: (password: string) => Promise<string>
}) {
  const { accounts, clock, hashPassword } = options
  const record = audited(options)
  const keep = (caller: Caller, { tenantId, name }: Account, detail: string) =>
    record(caller, { event: 'SETTINGS', tenantId, path: `account ${name}`, detail })

  async function find(tenantId: string, id: string): Promise<Account> {
    const account = await accounts.get(tenantId, id)
    if (account !== undefined) return account
    throw new AppError(
      'not_found',
      `Cannot find the account "${id.slice(0, 60)}": there is none of this id`,
    )
  }

  return {
    find,
    list: (tenantId: string): Promise<Account[]> => accounts.list(tenantId),
    /** Throws `exists` for a name in use, of any client. */
    async add(
      caller: Caller,
      tenantId: string,
      body: z.infer<typeof accountBody>,
    ): Promise<AccountChange> {
      requireProof(body.password, body.keys)
      // With a key and no wish for a password, the login has none to guess.
      const made = body.password === undefined && body.keys.length === 0 ? newPassword(clock) : null
      const password = body.password ?? made
      const account: Account = {
        id: newId('account', clock),
        tenantId,
        name: body.name,
        passwordHash: password === null ? null : await hashPassword(password),
        keys: body.keys.map(parsePublicKey),
        protocols: body.protocols,
        allowedNetworks: body.allowedNetworks,
        expiresAt: body.expiresAt === null ? null : Date.parse(body.expiresAt),
        disabled: body.disabled,
        createdAt: clock.now(),
        lastLoginAt: null,
      }
      await accounts.create(account)
      keep(caller, account, 'added')
      return { account, password: made }
    },
    /** Throws `exists` for a name in use, of any client. */
    async change(
      caller: Caller,
      { tenantId, id }: Pick<Account, 'tenantId' | 'id'>,
      body: z.infer<typeof accountPatch>,
    ): Promise<AccountChange> {
      const before = await find(tenantId, id)
      const made = body.newPassword === undefined ? null : newPassword(clock)
      const password = made ?? body.password
      const passwordHash =
        password === undefined
          ? before.passwordHash
          : password === null
            ? null
            : await hashPassword(password)
      // Hashing takes its time: a login or a change may have come in between.
      const current = await find(tenantId, id)
      const account: Account = {
        ...current,
        passwordHash,
        name: body.name ?? current.name,
        keys: body.keys?.map(parsePublicKey) ?? current.keys,
        protocols: body.protocols ?? current.protocols,
        allowedNetworks: body.allowedNetworks ?? current.allowedNetworks,
        disabled: body.disabled ?? current.disabled,
        expiresAt:
          typeof body.expiresAt === 'string'
            ? Date.parse(body.expiresAt)
            : body.expiresAt === null
              ? null
              : current.expiresAt,
      }
      requireProof(account.passwordHash, account.keys)
      await accounts.update(account)
      keep(caller, account, Object.keys(body).join(', '))
      return { account, password: made }
    },
    async remove(
      caller: Caller,
      { tenantId, id }: Pick<Account, 'tenantId' | 'id'>,
    ): Promise<void> {
      const account = await find(tenantId, id)
      await accounts.remove(tenantId, id)
      keep(caller, account, 'removed')
    },
  }
}

export type AccountOperations = ReturnType<typeof accountOperations>

function requireProof(password: string | null | undefined, keys: readonly unknown[]): void {
  if (password !== null || keys.length > 0) return
  const detail = 'is null and there is no key, so that nobody could log in, one of both is needed'
  throw new InvalidRequest(`Cannot store the account: password ${detail}`, [
    { pointer: '/password', detail },
  ])
}
