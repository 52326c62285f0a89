import { z } from 'zod'
import type { Context } from 'hono'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { HttpEnv } from './auth.ts'

/** One thing that must be well for the service to take files. */
export interface HealthCheck {
  name: string
  /** Resolves when it is well; throws otherwise. */
  check: () => Promise<void>
}

// A check that hangs is not well: whoever asks does not wait longer than this either.
const longestMs = 5_000

const readySchema = z
  .strictObject({
    status: z.enum(['ready', 'not ready']),
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean() })).optional(),
  })
  .meta({ id: 'Readiness' })

/** Every check with whether it is well. */
export function checkAll(checks: readonly HealthCheck[]): Promise<{ name: string; ok: boolean }[]> {
  return Promise.all(checks.map(async (check) => ({ name: check.name, ok: await isWell(check) })))
}

async function isWell({ check }: HealthCheck): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), longestMs)
  })
  const asked = check().then(
    () => true,
    () => false,
  )
  const well = await Promise.race([asked, late])
  clearTimeout(timer)
  return well
}

/** `GET /livez` and `GET /readyz`. */
export function health({ checks }: { checks: readonly HealthCheck[] }): Endpoint[] {
  return [
    endpoint(
      'GET /livez',
      {
        summary: 'Whether the process answers',
        answers: {
          200: {
            description: 'It does',
            schema: z.strictObject({ status: z.literal('alive') }).meta({ id: 'Liveness' }),
          },
        },
        example: { status: 200 },
      },
      ({ context }) => context.json({ status: 'alive' }),
    ),
    endpoint(
      'GET /readyz',
      {
        summary: 'Whether files can be taken; `?verbose` lists every check',
        query: z.strictObject({ verbose: z.string().optional() }),
        answers: {
          200: { description: 'Ready', schema: readySchema },
          503: { description: 'Not ready, and why', schema: readySchema },
        },
        example: { query: { verbose: '' }, status: 200 },
      },
      ({ context, query }) => ready(context, checks, query.verbose !== undefined),
    ),
  ]
}

async function ready(
  context: Context<HttpEnv>,
  checks: readonly HealthCheck[],
  verbose: boolean,
): Promise<Response> {
  const results = await checkAll(checks)
  const well = results.every(({ ok }) => ok)
  const body = { status: well ? 'ready' : 'not ready' }
  return context.json(verbose || !well ? { ...body, checks: results } : body, well ? 200 : 503)
}
