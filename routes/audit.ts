import { z } from 'zod'
import { auditEvents } from '../src/domain/state.ts'
import type { AuditEntry, AuditStore } from '../src/domain/state.ts'
import { tenantFor } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { listOf, numberCursor, page, pageQuery, tenantQuery } from './page.ts'
import { timeJson } from './run-json.ts'

const entrySchema = z
  .strictObject({
    at: z.iso.datetime(),
    tenantId: z.string().nullable(),
    event: z.enum(auditEvents),
    actor: z.string().nullable().meta({ description: 'Login or token' }),
    address: z.string().nullable(),
    protocol: z.string().nullable(),
    clientVersion: z.string().nullable(),
    path: z.string().nullable(),
    bytes: z.number().int().nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' })

function entryJson(entry: AuditEntry): z.infer<typeof entrySchema> {
  const { tenantId, event, actor, address, protocol, clientVersion, path, bytes, detail } = entry
  const who = { tenantId, event, actor, address, protocol, clientVersion }
  return { at: timeJson(entry.at), ...who, path, bytes, detail }
}

/** `/audit`: who did what, from where; nobody can change it. */
export function audit({ entries }: { entries: Pick<AuditStore, 'list'> }): Endpoint[] {
  return [
    endpoint(
      'GET /audit',
      {
        summary: 'Who did what, from where, newest first; operators without ?tenant= see all',
        query: z.strictObject({ ...tenantQuery, ...pageQuery }),
        answers: { 200: { description: 'One page', schema: listOf(entrySchema, 'AuditList') } },
        problems: [404],
        example: { query: { limit: '5' }, status: 200 },
      },
      async ({ context, caller, query: { tenant, limit, cursor } }) => {
        const tenantId = caller.scope === 'operator' ? tenant : tenantFor(caller, tenant)
        const before = numberCursor(cursor)
        const found = await entries.list({
          limit: limit + 1,
          ...(tenantId === undefined ? {} : { tenantId }),
          ...(before === undefined ? {} : { before }),
        })
        return page(context, found, { limit, show: entryJson, cursorOf: ({ seq }) => String(seq) })
      },
    ),
  ]
}
