import type { Context } from 'hono'
import { z } from 'zod'
import { missingSettings } from '../src/domain/tenant.ts'
import type { Tenant } from '../src/domain/tenant.ts'
import { tenantFor } from './auth.ts'
import type { HttpEnv } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { tenantQuery } from './page.ts'
import { matchesTag } from './match-tag.ts'
import { settingsMembers, settingsPatch } from './settings-schema.ts'
import { loginSourcesBody, tenantTag, userTypesBody } from './tenant-operations.ts'
import type { TenantOperations } from './tenant-operations.ts'

const readinessMembers = {
  ready: z.boolean().meta({ readOnly: true, description: 'Whether mails can be sent' }),
  missing: z.array(z.string()).meta({ readOnly: true, description: 'Labels of what is missing' }),
}

const settingsSchema = z
  .strictObject({ ...readinessMembers, ...settingsMembers })
  .meta({ id: 'Settings' })

/** Whether mails can be sent for a client, and what is missing. */
export function readinessJson(tenant: Tenant): { ready: boolean; missing: string[] } {
  const missing = missingSettings(tenant)
  return { ready: missing.length === 0, missing }
}

const query = z.strictObject(tenantQuery)

/** The answer with what is stored of a client, under the ETag of all its settings. */
function stored(context: Context<HttpEnv>, tenant: Tenant, body: object): Response {
  const etag = tenantTag(tenant)
  context.header('etag', etag)
  const known = context.req.header('if-none-match')
  if (context.req.method === 'GET' && known !== undefined && matchesTag(known, etag)) {
    return context.body(null, 304)
  }
  return context.json(body)
}

const settingsJson = (tenant: Tenant) => ({ ...readinessJson(tenant), ...tenant.settings })

/** `/settings`, `/user-types` and `/login-sources`: what a client sets, under one ETag. */
export function settings({ tenants }: { tenants: TenantOperations }): Endpoint[] {
  const unchanged = { description: 'Not changed since the version that If-None-Match names' }

  return [
    endpoint(
      'GET /settings',
      {
        summary: "The client's settings",
        query,
        answers: { 200: { description: 'The settings', schema: settingsSchema }, 304: unchanged },
        headers: ['If-None-Match'],
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const found = await tenants.find(tenantFor(caller, tenant))
        return stored(context, found, settingsJson(found))
      },
    ),
    endpoint(
      'PATCH /settings',
      {
        summary: 'Change settings; members that are not there stay',
        query,
        body: settingsPatch,
        answers: { 200: { description: 'The settings as they are now', schema: settingsSchema } },
        headers: ['If-Match'],
        problems: [404, 412],
        example: {
          body: { replyTo: 'it@maple.example', failedImportEmail: ['hr@maple.example'] },
          status: 200,
        },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const ifMatch = context.req.header('if-match')
        const id = tenantFor(caller, tenant)
        const changed = await tenants.changeSettings(caller, id, body, ifMatch)
        return stored(context, changed, settingsJson(changed))
      },
    ),

    endpoint(
      'GET /user-types',
      {
        summary: 'The values that userType and lockerUserType may name',
        query,
        answers: { 200: { description: 'All of them', schema: userTypesBody }, 304: unchanged },
        headers: ['If-None-Match'],
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const found = await tenants.find(tenantFor(caller, tenant))
        return stored(context, found, { data: found.userTypes })
      },
    ),
    endpoint(
      'PUT /user-types',
      {
        summary: 'Replace all user types',
        query,
        body: userTypesBody,
        answers: { 200: { description: 'As they are now', schema: userTypesBody } },
        headers: ['If-Match'],
        problems: [404, 412],
        example: {
          body: {
            data: [
              { id: '1', name: 'Student' },
              { id: '2', name: 'Staff' },
            ],
          },
          status: 200,
        },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const ifMatch = context.req.header('if-match')
        const id = tenantFor(caller, tenant)
        const changed = await tenants.setUserTypes(caller, id, body.data, ifMatch)
        return stored(context, changed, { data: changed.userTypes })
      },
    ),

    endpoint(
      'GET /login-sources',
      {
        summary: 'The values that loginSource may name',
        query,
        answers: { 200: { description: 'All of them', schema: loginSourcesBody }, 304: unchanged },
        headers: ['If-None-Match'],
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query: { tenant } }) => {
        const found = await tenants.find(tenantFor(caller, tenant))
        return stored(context, found, { data: found.loginSources })
      },
    ),
    endpoint(
      'PUT /login-sources',
      {
        summary: 'Replace all login sources',
        query,
        body: loginSourcesBody,
        answers: { 200: { description: 'As they are now', schema: loginSourcesBody } },
        headers: ['If-Match'],
        problems: [404, 412],
        example: { body: { data: ['LDAP', 'Local'] }, status: 200 },
      },
      async ({ context, caller, query: { tenant }, body }) => {
        const ifMatch = context.req.header('if-match')
        const id = tenantFor(caller, tenant)
        const changed = await tenants.setLoginSources(caller, id, body.data, ifMatch)
        return stored(context, changed, { data: changed.loginSources })
      },
    ),
  ]
}
