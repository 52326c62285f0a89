import type { Context } from 'hono'
import { z } from 'zod'
import { AppError } from '../src/domain/error.ts'
import { jsonReply } from './reply.ts'
import type { Reply } from './reply.ts'

// A page is made in memory whole.
const most = 200

/** The query parameters of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(most).default(50).meta({
    description: 'How many at most',
  }),
  cursor: z
    .string()
    .max(200)
    .optional()
    .meta({ description: '`nextCursor` of the page before, as it is' }),
}

/** `tenant` for operators; a client's own token needs none. */
export const tenantQuery = {
  tenant: z.string().max(60).optional().meta({
    description: 'Id of the client; operators must name one where only one can be meant',
  }),
}

/** The body of a list. */
export function listOf<T extends z.ZodType>(item: T, id: string) {
  return z
    .strictObject({
      data: z.array(item),
      nextCursor: z.string().nullable().meta({ description: 'Null on the last page' }),
    })
    .meta({ id })
}

/** The answer with one page of `found`, which has one item more than `limit` when there is a next page. */
export function page<T>(
  context: Context,
  found: readonly T[],
  options: {
    limit: number
    /** The item, or its JSON. */
    show: (item: T) => object | string
    cursorOf: (item: T) => string
  },
): Reply {
  const items = found.slice(0, options.limit)
  const last = items.at(-1)
  const more = found.length > items.length && last !== undefined
  const nextCursor = more ? options.cursorOf(last) : null
  const shown = items.map((item) => {
    const value = options.show(item)
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
  const body = `{"data":[${shown.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
  return jsonReply(body, nextCursor === null ? {} : { link: nextLink(context, nextCursor) })
}

/** The `Link` header that leads to the next page (RFC 8288). */
export function nextLink(context: Context, cursor: string): string {
  const next = new URL(context.req.url)
  next.searchParams.set('cursor', cursor)
  return `<${next.pathname}${next.search}>; rel="next"`
}

/** The whole number that a cursor of ours is. Throws `invalid` for one that was made up. */
export function numberCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor)
  throw madeUpCursor()
}

/** The refusal of a cursor that no page of ours has given. */
export function madeUpCursor(): AppError {
  return new AppError(
    'invalid',
    'Cannot use the cursor: it is none of ours, take it from nextCursor as it is',
  )
}
