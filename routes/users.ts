import { z } from 'zod'
import { AppError } from '../src/domain/error.ts'
import { comparisonKey } from '../src/domain/user.ts'
import type { ChangePlace, UserReader } from '../src/domain/user-reader.ts'
import { tenantFor } from './auth.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import {
  nextLink,
  listOf,
  madeUpCursor,
  numberCursor,
  page,
  pageQuery,
  tenantQuery,
} from './page.ts'
import { attachment } from './send-file.ts'
import type { TenantOperations } from './tenant-operations.ts'
import { changeJson, userJson, userSchema } from './user-json.ts'
import { usersCsv } from './users-csv.ts'

export interface UsersOptions {
  tenants: Pick<TenantOperations, 'find'>
  /** The directory of a tenant, for reading; undefined while it has none. */
  openUsers: (tenantId: string) => Promise<UserReader | undefined>
}

const status = z.enum(['active', 'inactive']).optional()

const listQuery = z.strictObject({
  ...tenantQuery,
  changedSince: z.iso.datetime({ offset: true }).optional().meta({
    description:
      'The last change of each user since then, in order, removals too; go on from nextCursor, which is never null then',
  }),
  email: z.string().max(400).optional().meta({ description: 'Exactly, in any case' }),
  status,
  q: z.string().trim().min(1).max(100).optional().meta({
    description:
      'The beginning of a last name, email, username or UserUUID, or first and last name; the first `limit` users',
  }),
  ...pageQuery,
})

type ListQuery = z.infer<typeof listQuery>

/** The place in the changes that a cursor names; undefined for one of another list. */
function placeOf(cursor: string | undefined): ChangePlace | undefined {
  const parts = /^c(\d{1,15})\.(\d{1,16})$/.exec(cursor ?? '')
  return parts === null ? undefined : { change: Number(parts[1]), id: Number(parts[2]) }
}

function requireAlone({ changedSince, ...query }: ListQuery, place: ChangePlace | undefined): void {
  const others = (['email', 'status', 'q'] as const).filter((name) => query[name] !== undefined)
  if ((changedSince ?? place) === undefined || others.length === 0) return
  throw new AppError(
    'invalid',
    `Cannot list changes: ${others.join(', ')} would leave some out, changedSince alone is needed`,
  )
}

/** `/users`: the directory as imports have made it. */
export function users({ tenants, openUsers }: UsersOptions): Endpoint[] {
  return [
    endpoint(
      'GET /users',
      {
        summary:
          'Users in the order of their creation, or by their last changes, for other systems to follow',
        query: listQuery,
        answers: { 200: { description: 'One page', schema: listOf(userSchema, 'UserList') } },
        problems: [404],
        example: { query: { changedSince: '2026-01-01T00:00:00Z', limit: '5' }, status: 200 },
      },
      async ({ context, caller, query }) => {
        const { limit, changedSince, q } = query
        const { id: tenantId } = await tenants.find(tenantFor(caller, query.tenant))
        const reader = await openUsers(tenantId)
        const place = placeOf(query.cursor)
        requireAlone(query, place)
        if (place !== undefined || (changedSince !== undefined && query.cursor === undefined)) {
          const since = Date.parse(changedSince ?? '')
          const from = place ?? {
            change: (await reader?.changeBefore(since)) ?? 0,
            id: Number.MAX_SAFE_INTEGER,
          }
          const changes = (await reader?.userChanges(from, limit)) ?? []
          const last = changes.at(-1) ?? from
          const nextCursor = `c${last.change}.${last.id}`
          if (changes.length === limit) context.header('link', nextLink(context, nextCursor))
          return context.json({ data: changes.map(changeJson), nextCursor })
        }
        if (changedSince !== undefined) throw madeUpCursor()
        const active = query.status === undefined ? {} : { active: query.status === 'active' }
        if (q !== undefined) {
          const found = (await reader?.searchUsers(q, { limit, ...active })) ?? []
          return page(context, found, { limit, show: userJson, cursorOf: ({ id }) => String(id) })
        }
        const after = numberCursor(query.cursor)
        const found = await reader?.userList({
          limit: limit + 1,
          ...active,
          ...(after === undefined ? {} : { after }),
          ...(query.email === undefined ? {} : { emailKey: comparisonKey(query.email) }),
        })
        return page(context, found ?? [], {
          limit,
          show: userJson,
          cursorOf: ({ id }) => String(id),
        })
      },
    ),

    endpoint(
      'GET /users.csv',
      {
        summary: 'All users as a file that imports as it is; without passwords',
        query: z.strictObject({ ...tenantQuery, status }),
        answers: { 200: { description: 'The file', type: 'text/csv' } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query }) => {
        const { id: tenantId } = await tenants.find(tenantFor(caller, query.tenant))
        const active = query.status === undefined ? undefined : query.status === 'active'
        return context.body(
          usersCsv(() => openUsers(tenantId), { active }),
          200,
          {
            'content-type': 'text/csv; charset=utf-8',
            'content-disposition': attachment('users.csv'),
          },
        )
      },
    ),

    endpoint(
      'GET /users/:uuid',
      {
        summary: 'One user by its UserUUID (percent-encoded)',
        query: z.strictObject(tenantQuery),
        answers: { 200: { description: 'The user', schema: userSchema } },
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller, query }) => {
        const { id: tenantId } = await tenants.find(tenantFor(caller, query.tenant))
        const uuid = context.req.param('uuid') ?? ''
        const user = await (await openUsers(tenantId))?.userByUuid(uuid)
        if (user === undefined) {
          throw new AppError(
            'not_found',
            `Cannot find the user "${uuid.slice(0, 60)}": there is none of this UserUUID`,
          )
        }
        return context.json(userJson(user))
      },
    ),
  ]
}
