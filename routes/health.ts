import { Hono } from 'hono'

/** One thing that must be well for the service to take files. */
export interface HealthCheck {
  name: string
  /** Resolves when it is well; throws otherwise. */
  check: () => Promise<void>
}

/** `GET /livez` and `GET /readyz`. */
export function health({ checks }: { checks: readonly HealthCheck[] }): Hono {
  const app = new Hono()
  app.get('/livez', (context) => context.json({ status: 'alive' }))
  app.get('/readyz', async (context) => {
    const results = await Promise.all(
      checks.map(async ({ name, check }) => ({
        name,
        ok: await check().then(
          () => true,
          () => false,
        ),
      })),
    )
    const ready = results.every(({ ok }) => ok)
    const body = { status: ready ? 'ready' : 'not ready' }
    const shown = !ready || context.req.query('verbose') !== undefined
    return context.json(shown ? { ...body, checks: results } : body, ready ? 200 : 503)
  })
  return app
}
