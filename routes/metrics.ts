import type { Metrics } from '../src/domain/metrics.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'

/** `/metrics`: figures for Prometheus. */
export function metrics({ metrics: figures }: { metrics: Metrics }): Endpoint[] {
  return [
    endpoint(
      'GET /metrics',
      {
        summary: 'Figures as Prometheus text; from this machine without a token too',
        answers: { 200: { description: 'The figures', type: 'text/plain' } },
        example: { status: 200 },
      },
      async ({ context }) => {
        const { type, text } = await figures.text()
        return context.body(text, 200, { 'content-type': type })
      },
    ),
  ]
}
