import { z } from 'zod'
import type { TenantStore } from '../src/domain/state.ts'
import type { Tenant } from '../src/domain/tenant.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Operations } from './operations.ts'
import { listOf, page, pageQuery } from './page.ts'
import { timeJson } from './run-json.ts'
import { readinessJson } from './settings.ts'
import { settingsMembers } from './settings-schema.ts'
import { tenantBody, tenantPatch, tenantTag } from './tenant-operations.ts'
import { newTokenSchema, tokenJson, tokenSchema } from './token-json.ts'
import { tokenBody } from './token-operations.ts'

const time = z.iso.datetime().nullable()

const tenantSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    ready: z.boolean().meta({ description: 'Whether both mail settings are set' }),
    missing: z.array(z.string()).meta({ description: 'Labels of those that are not' }),
    settings: z.strictObject(settingsMembers).meta({ id: 'TenantSettings' }),
    createdAt: time,
  })
  .meta({ id: 'Tenant' })

function tenantJson(tenant: Tenant): z.infer<typeof tenantSchema> {
  const { id, name, settings, createdAt } = tenant
  return { id, name, ...readinessJson(tenant), settings, createdAt: timeJson(createdAt) }
}

/** `/tenants`: for operators, the clients and their tokens. */
export function tenants(
  { tenants: clients, tokens }: Operations,
  { store }: { store: Pick<TenantStore, 'list'> },
): Endpoint[] {
  return [
    endpoint(
      'GET /tenants',
      {
        summary: 'The clients, newest first',
        query: z.strictObject(pageQuery),
        answers: { 200: { description: 'One page', schema: listOf(tenantSchema, 'TenantList') } },
        example: { status: 200 },
      },
      async ({ context, query: { limit, cursor } }) => {
        const all = await store.list()
        const found = cursor === undefined ? all : all.filter(({ id }) => id < cursor)
        return page(context, found, { limit, show: tenantJson, cursorOf: ({ id }) => id })
      },
    ),
    endpoint(
      'POST /tenants',
      {
        summary: 'Add a client',
        body: tenantBody,
        answers: { 201: { description: 'Added; Location is its place', schema: tenantSchema } },
        problems: [409],
        example: {
          body: {
            name: 'Birch College',
            settings: { replyTo: 'it@birch.example', failedImportEmail: ['hr@birch.example'] },
          },
          status: 201,
        },
      },
      async ({ context, caller, body }) => {
        const tenant = await clients.add(caller, body)
        context.header('location', `/tenants/${tenant.id}`)
        context.header('etag', tenantTag(tenant))
        return context.json(tenantJson(tenant), 201)
      },
    ),
    endpoint(
      'GET /tenants/:id',
      {
        summary: 'One client',
        answers: { 200: { description: 'The client', schema: tenantSchema } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context }) => {
        const tenant = await clients.find(context.req.param('id') ?? '')
        context.header('etag', tenantTag(tenant))
        return context.json(tenantJson(tenant))
      },
    ),
    endpoint(
      'PATCH /tenants/:id',
      {
        summary: "Change a client's name or settings",
        body: tenantPatch,
        answers: { 200: { description: 'The client as it is now', schema: tenantSchema } },
        headers: ['If-Match'],
        problems: [404, 409, 412],
        example: { body: { settings: { archiveDays: 30 } }, status: 200 },
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const ifMatch = context.req.header('if-match')
        const tenant = await clients.change(caller, id, body, ifMatch)
        context.header('etag', tenantTag(tenant))
        return context.json(tenantJson(tenant))
      },
    ),

    endpoint(
      'GET /tenants/:id/tokens',
      {
        summary: 'The tokens of a client, newest first, revoked ones too',
        query: z.strictObject(pageQuery),
        answers: { 200: { description: 'One page', schema: listOf(tokenSchema, 'TokenList') } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, query: { limit, cursor } }) => {
        const tenant = await clients.find(context.req.param('id') ?? '')
        const all = await tokens.list(tenant.id)
        const found = cursor === undefined ? all : all.filter(({ id }) => id < cursor)
        return page(context, found, { limit, show: tokenJson, cursorOf: ({ id }) => id })
      },
    ),
    endpoint(
      'POST /tenants/:id/tokens',
      {
        summary: 'Make a token for a client; it is shown once',
        body: tokenBody,
        answers: { 201: { description: 'Made', schema: newTokenSchema } },
        problems: [404],
        example: { body: { name: 'HR export', scope: 'monitor' }, status: 201 },
      },
      async ({ context, caller, body }) => {
        const tenant = await clients.find(context.req.param('id') ?? '')
        const { stored, token } = await tokens.add(caller, tenant.id, body)
        context.header('cache-control', 'no-store')
        return context.json({ ...tokenJson(stored), token }, 201)
      },
    ),
    endpoint(
      'DELETE /tenants/:id/tokens/:token',
      {
        summary: 'Revoke a token at once',
        answers: { 204: { description: 'Revoked' } },
        problems: [404],
        example: { status: 204 },
      },
      async ({ context, caller }) => {
        const tenant = await clients.find(context.req.param('id') ?? '')
        await tokens.revoke(caller, tenant.id, context.req.param('token') ?? '')
        return context.body(null, 204)
      },
    ),
  ]
}
