import { z } from 'zod'
import { protocols } from '../src/domain/account.ts'
import type { Account } from '../src/domain/account.ts'
import { publicKeyLine } from '../src/domain/public-key.ts'
import { accountBody, accountPatch } from './account-operations.ts'
import { tenantFor } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Operations } from './operations.ts'
import { listOf, page, pageQuery, tenantQuery } from './page.ts'
import { timeJson } from './run-json.ts'

const time = z.iso.datetime().nullable()

const accountMembers = {
  id: z.string(),
  tenantId: z.string(),
  name: z.string(),
  hasPassword: z.boolean(),
  keys: z.array(z.string()).meta({ description: 'As in an .pub file' }),
  protocols: z.array(z.enum(protocols)),
  allowedNetworks: z.array(z.string()),
  expiresAt: time,
  disabled: z.boolean(),
  createdAt: time,
  lastLoginAt: time,
}

const accountSchema = z.strictObject(accountMembers).meta({ id: 'Account' })
const changedSchema = z
  .strictObject({
    ...accountMembers,
    password: z.string().optional().meta({ description: 'Only where it was made now: shown once' }),
  })
  .meta({ id: 'AccountWithPassword' })

function accountJson(account: Account): z.infer<typeof accountSchema> {
  return {
    id: account.id,
    tenantId: account.tenantId,
    name: account.name,
    hasPassword: account.passwordHash !== null,
    keys: account.keys.map(publicKeyLine),
    protocols: account.protocols,
    allowedNetworks: account.allowedNetworks,
    expiresAt: timeJson(account.expiresAt),
    disabled: account.disabled,
    createdAt: timeJson(account.createdAt),
    lastLoginAt: timeJson(account.lastLoginAt),
  }
}

const query = z.strictObject(tenantQuery)

/** `/accounts`: the logins to a client's drop folder. */
export function accounts({ tenants, accounts: logins }: Operations): Endpoint[] {
  return [
    endpoint(
      'GET /accounts',
      {
        summary: 'The logins of a client, newest first',
        query: z.strictObject({ ...tenantQuery, ...pageQuery }),
        answers: { 200: { description: 'One page', schema: listOf(accountSchema, 'AccountList') } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant, limit, cursor } }) => {
        const { id } = await tenants.find(tenantFor(caller, tenant))
        const all = await logins.list(id)
        const found = cursor === undefined ? all : all.filter((one) => one.id < cursor)
        return page(context, found, { limit, show: accountJson, cursorOf: (one) => one.id })
      },
    ),
    endpoint(
      'POST /accounts',
      {
        summary: 'Add a login; a password that is made is shown once',
        query,
        body: accountBody,
        answers: {
          201: { description: 'Added; Location is its place', schema: changedSchema },
        },
        problems: [404, 409],
        example: { body: { name: 'maple-hr', protocols: ['sftp'] }, status: 201 },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const { id } = await tenants.find(tenantFor(caller, tenant))
        const { account, password } = await logins.add(caller, id, body)
        context.header('location', `/accounts/${account.id}`)
        context.header('cache-control', 'no-store')
        const shown = accountJson(account)
        return context.json(password === null ? shown : { ...shown, password }, 201)
      },
    ),
    endpoint(
      'GET /accounts/:id',
      {
        summary: 'One login',
        query,
        answers: { 200: { description: 'The login', schema: accountSchema } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const id = context.req.param('id') ?? ''
        return context.json(accountJson(await logins.find(tenantFor(caller, tenant), id)))
      },
    ),
    endpoint(
      'PATCH /accounts/:id',
      {
        summary: 'Change a login; members that are not there stay',
        query,
        body: accountPatch,
        answers: { 200: { description: 'The login as it is now', schema: changedSchema } },
        problems: [404, 409],
        example: { body: { allowedNetworks: ['192.0.2.0/24'] }, status: 200 },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        const { account, password } = await logins.change(caller, which, body)
        context.header('cache-control', 'no-store')
        const shown = accountJson(account)
        return context.json(password === null ? shown : { ...shown, password })
      },
    ),
    endpoint(
      'DELETE /accounts/:id',
      {
        summary: 'Remove a login; what it has dropped stays',
        query,
        answers: { 204: { description: 'Removed' } },
        problems: [404],
        example: { status: 204 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const which = { tenantId: tenantFor(caller, tenant), id: context.req.param('id') ?? '' }
        await logins.remove(caller, which)
        return context.body(null, 204)
      },
    ),
  ]
}
