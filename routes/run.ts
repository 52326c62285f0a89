import type { Run } from '../src/domain/run.ts'
import type { RunStore } from '../src/domain/state.ts'
import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { matchesTag } from './match-tag.ts'
import { preferredWait } from './precondition.ts'
import { jsonReply } from './reply.ts'
import { findRun, isSettled, runSchema, runTag, runText } from './run-json.ts'
import { runEvents } from './run-events.ts'
import { createWatch } from './watch.ts'

/** `/imports/{id}` and its events: one run, now or as it changes. */
export function run(options: { runs: Pick<RunStore, 'get'> }): Endpoint[] {
  const { runs } = options
  const watch = createWatch(runs)

  return [
    endpoint(
      'GET /imports/:id',
      {
        summary: 'One run; with `Prefer: wait=30` the answer comes at its next change',
        answers: {
          200: { description: 'The run', schema: runSchema },
          304: { description: 'Not changed since the version that If-None-Match names' },
        },
        headers: ['If-None-Match', 'Prefer'],
        problems: [404, 429],
        example: { status: 200 },
        repeats: true,
      },
      async ({ context, caller }) => {
        let found: Run = await findRun(runs, caller, context.req.param('id') ?? '')
        const known = context.req.header('if-none-match')
        const waitMs = preferredWait(context.req.header('prefer'))
        const unchanged = known === undefined || matchesTag(known, runTag(found))
        if (waitMs === undefined) return jsonReply(runText(found), { etag: runTag(found) })
        if (unchanged && !isSettled(found)) {
          const { signal } = context.req.raw
          found = (await watch.change(found.id, found.version, { forMs: waitMs, signal })) ?? found
        }
        const applied = { 'preference-applied': `wait=${waitMs / 1000}` }
        return jsonReply(runText(found), { etag: runTag(found), ...applied })
      },
    ),

    endpoint(
      'GET /imports/:id/events',
      {
        summary: 'The run as server-sent events: now, and at each change until nothing changes',
        answers: {
          200: { description: 'Events `run`; the id is the version', type: 'text/event-stream' },
          204: { description: 'Nothing will change after Last-Event-ID: do not connect again' },
        },
        headers: ['Last-Event-ID'],
        problems: [404],
        example: { status: 200 },
      },
      async ({ context, caller }) => {
        const found = await findRun(runs, caller, context.req.param('id') ?? '')
        const last = Number(context.req.header('last-event-id') ?? NaN)
        if (last === found.version && isSettled(found)) return context.body(null, 204)
        const { signal } = context.req.raw
        return context.body(runEvents(found, { last, watch, signal }), 200, {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          // Proxies of the nginx kind would gather events otherwise.
          'x-accel-buffering': 'no',
        })
      },
    ),
  ]
}
