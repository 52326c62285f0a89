import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Operations } from './operations.ts'
import { listOf, page, pageQuery } from './page.ts'
import { newTokenSchema, tokenJson, tokenSchema } from './token-json.ts'
import { operatorTokenBody } from './token-operations.ts'

/** `/tokens`: the tokens of the operators themselves. */
export function tokens({ tokens: operations }: Pick<Operations, 'tokens'>): Endpoint[] {
  return [
    endpoint(
      'GET /tokens',
      {
        summary: 'The tokens of operators, newest first, revoked ones too',
        query: z.strictObject(pageQuery),
        answers: {
          200: { description: 'One page', schema: listOf(tokenSchema, 'OperatorTokenList') },
        },
        example: { status: 200 },
      },
      async ({ context, query: { limit, cursor } }) => {
        const all = await operations.list(null)
        const found = cursor === undefined ? all : all.filter(({ id }) => id < cursor)
        return page(context, found, { limit, show: tokenJson, cursorOf: ({ id }) => id })
      },
    ),
    endpoint(
      'POST /tokens',
      {
        summary: 'Make a token for an operator: every client and the server; it is shown once',
        body: operatorTokenBody,
        answers: { 201: { description: 'Made', schema: newTokenSchema } },
        example: { body: { name: 'On-call script' }, status: 201 },
      },
      async ({ context, caller, body }) => {
        const { stored, token } = await operations.add(caller, null, { ...body, scope: 'operator' })
        context.header('cache-control', 'no-store')
        return context.json({ ...tokenJson(stored), token }, 201)
      },
    ),
    endpoint(
      'DELETE /tokens/:token',
      {
        summary: "Revoke an operator's token at once, also the one that asks",
        answers: { 204: { description: 'Revoked' } },
        problems: [404],
        example: { status: 204 },
      },
      async ({ context, caller }) => {
        await operations.revoke(caller, null, context.req.param('token') ?? '')
        return context.body(null, 204)
      },
    ),
  ]
}
