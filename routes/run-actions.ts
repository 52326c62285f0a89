import { z } from 'zod'
import type { Clock } from '../src/domain/clock.ts'
import type { Importer } from '../src/domain/importer.ts'
import type { Run } from '../src/domain/run.ts'
import type { AuditStore, RunStore } from '../src/domain/state.ts'
import type { Caller } from './auth.ts'
import { audited } from './audit-trail.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { findRun, runJson, runSchema } from './run-json.ts'

export interface RunActionsOptions {
  runs: Pick<RunStore, 'get'>
  importer: Pick<Importer, 'approve' | 'reject' | 'cancel' | 'retry' | 'revert'>
  audit: Pick<AuditStore, 'append'>
  clock: Clock
}

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
export function runActions(options: RunActionsOptions): Endpoint[] {
  const { runs, importer } = options
  const record = audited(options)
  const changed = { 200: { description: 'The run as it is now', schema: runSchema } }

  /** Does `work` on the run, and keeps who wanted it. */
  async function act(
    caller: Caller,
    id: string,
    action: string,
    work: (run: Run) => Promise<Run>,
  ): Promise<Run> {
    const run = await findRun(runs, caller, id)
    const result = await work(run)
    record(caller, { event: 'RUN', tenantId: run.tenantId, path: run.id, detail: action })
    return result
  }
  const actorOf = ({ name }: Caller): string => name ?? 'unknown'
  const withNote = (action: string, note: string | undefined): string =>
    note === undefined ? action : `${action}: ${note}`

  return [
    endpoint(
      'POST /imports/:id/approve',
      {
        summary: 'Let a held run go on, whatever it deactivates',
        body: noteBody,
        answers: changed,
        problems: [404, 409],
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await act(caller, id, withNote('approve', body?.note), (held) =>
          importer.approve(held.id, actorOf(caller)),
        )
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
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await act(caller, id, withNote('reject', body?.note), (held) =>
          importer.reject(held.id, actorOf(caller)),
        )
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
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await act(caller, id, withNote('cancel', body?.note), (active) =>
          importer.cancel(active.id),
        )
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
      },
      async ({ context, caller, query }) => {
        const id = context.req.param('id') ?? ''
        const run = await act(caller, id, query.force ? 'retry by force' : 'retry', (old) =>
          importer.retry(old.id, { force: query.force, actor: actorOf(caller) }),
        )
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
      },
      async ({ context, caller, body }) => {
        const id = context.req.param('id') ?? ''
        const run = await act(caller, id, withNote('revert', body?.note), (old) =>
          importer.revert(old.id, actorOf(caller)),
        )
        return context.json(runJson(run))
      },
    ),
  ]
}
