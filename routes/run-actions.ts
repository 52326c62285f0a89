import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { runJson, runSchema } from './run-json.ts'
import { runOperations } from './run-operations.ts'
import type { RunOperationsOptions } from './run-operations.ts'

const noteBody = z
  .strictObject({
    note: z.string().max(500).optional().meta({ description: 'Why; kept in the audit' }),
  })
  .optional()

const retryQuery = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .default(false)
    .meta({ description: 'Import although the same bytes were imported last' }),
})

/** What can be done with a run; a state that does not allow it gets 409. */
export function runActions(options: RunOperationsOptions): Endpoint[] {
  const operations = runOperations(options)
  const changed = { 200: { description: 'The run as it is now', schema: runSchema } }

  return [
    endpoint(
      'POST /imports/:id/approve',
      {
        summary: 'Let a held run go on, whatever it deactivates',
        body: noteBody,
        answers: changed,
        problems: [404, 409],
        example: { body: { note: 'As agreed by telephone' }, status: 200 },
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await operations.approve(caller, id, body?.note)
        return context.json(runJson(run))
      },
    ),
    endpoint(
      'POST /imports/:id/reject',
      {
        summary: 'Refuse a held run; nothing of it was written',
        body: noteBody,
        answers: changed,
        problems: [404, 409],
        example: { body: { note: 'As agreed by telephone' }, status: 200 },
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await operations.reject(caller, id, body?.note)
        return context.json(runJson(run))
      },
    ),
    endpoint(
      'POST /imports/:id/cancel',
      {
        summary: 'Stop a queued or running import at its next batch; what was written stays',
        body: noteBody,
        answers: { 202: { description: 'It will stop', schema: runSchema } },
        problems: [404, 409],
        example: { body: { note: 'As agreed by telephone' }, status: 202 },
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await operations.cancel(caller, id, body?.note)
        return context.json(runJson(run), 202)
      },
    ),
    endpoint(
      'POST /imports/:id/retry',
      {
        summary: 'Import the archived file again, as a new run',
        query: retryQuery,
        answers: { 202: { description: 'The new run', schema: runSchema } },
        problems: [404, 409],
        example: { query: { force: 'true' }, status: 202 },
      },
      async ({ context, caller, query }) => {
        const id = context.req.param('id') ?? ''
        const run = await operations.retry(caller, id, query.force)
        context.header('location', `/imports/${run.id}`)
        return context.json(runJson(run), 202)
      },
    ),
    endpoint(
      'POST /imports/:id/revert',
      {
        summary: 'Put back what the run changed, where nothing has changed it since',
        body: noteBody,
        answers: changed,
        problems: [404, 409],
        example: { body: { note: 'As agreed by telephone' }, status: 200 },
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await operations.revert(caller, id, body?.note)
        return context.json(runJson(run))
      },
    ),
  ]
}
