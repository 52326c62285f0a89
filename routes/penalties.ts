import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import { AppError } from '../src/domain/error.ts'
import type { Penalty, PenaltyBook } from '../src/domain/penalty.ts'
import type { AuditStore } from '../src/domain/state.ts'
import { audited } from './audit-trail.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { listOf, page } from './page.ts'
import { timeJson } from './run-json.ts'

// The book holds 65,536 sources at most; the longest ones are what an operator looks for.
const mostListed = 1_000

const penaltySchema = z
  .strictObject({
    source: z.string().meta({ description: 'An IPv4 address, or the /64 of an IPv6 address' }),
    until: z.iso.datetime(),
    enforced: z.boolean().meta({ description: 'False: too short to keep anybody out' }),
  })
  .meta({ id: 'Penalty' })

const penaltyJson = ({ source, until, enforced }: Penalty): z.infer<typeof penaltySchema> => ({
  source,
  until: timeJson(until),
  enforced,
})

/** `/penalties`: addresses that failed to log in too often. */
export function penalties(options: {
  penalties: PenaltyBook
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}): Endpoint[] {
  const { penalties: book } = options
  const record = audited(options)

  return [
    endpoint(
      'GET /penalties',
      {
        summary: 'Addresses with a penalty for failed logins, the longest first',
        answers: {
          200: { description: 'At most 1,000', schema: listOf(penaltySchema, 'PenaltyList') },
        },
        example: { status: 200 },
      },
      ({ context }) =>
        page(context, book.list().slice(0, mostListed), {
          limit: mostListed,
          show: penaltyJson,
          cursorOf: ({ source }) => source,
        }),
    ),
    endpoint(
      'DELETE /penalties/:source',
      {
        summary: 'Lift the penalty of an address, or of a listed source (percent-encode its /)',
        answers: { 204: { description: 'Lifted' } },
        problems: [404],
        example: { status: 204 },
      },
      ({ context, caller }) => {
        const source = (context.req.param('source') ?? '').slice(0, 100)
        if (!book.lift(source)) {
          throw new AppError(
            'not_found',
            `Cannot lift the penalty of "${source}": it has none, GET /penalties lists them`,
          )
        }
        record(caller, { event: 'SETTINGS', tenantId: null, path: 'penalties', detail: source })
        return context.body(null, 204)
      },
    ),
  ]
}
