import { AppError } from '../../src/domain/error.ts'
import type { PenaltyBook } from '../../src/domain/penalty.ts'
import type { OutboxStore, RunStore, StateStore } from '../../src/domain/state.ts'
import type { FileStore } from '../../src/domain/storage.ts'
import { checkAll } from '../health.ts'
import type { HealthCheck } from '../health.ts'
import type { Operations } from '../operations.ts'
import { clientOf } from './client.ts'
import { changeEvents } from './events.ts'
import type { Watched } from './events.ts'
import { cutUploads } from './incomplete.ts'
import { page } from './page.ts'
import type { ConsolePage, Visit } from './page.ts'

// The mark of the state costs nothing to ask; a list is read when it has moved, or where there is none.
const lookMs = 500
// Asking every part of the server and the store costs more, and neither is in the state.
const slowMs = 5_000
// Each holds a connection and a timer; beyond it pages ask by themselves.
const mostOpen = 500
/** What a page shows at first, so what it may have to show anew. */
const newestRuns = 50
const newestMails = 200
const newestDeliveries = 50

/** A word each time that something which the visitor looks at has changed, on every page that follows by itself. */
export function changePages({
  state,
  operations,
  files,
  checks,
  penalties,
  isStopping = () => false,
}: {
  state: Pick<StateStore, 'mark'> & {
    runs: Pick<RunStore, 'list'>
    outbox: Pick<OutboxStore, 'list'>
  }
  operations: Operations
  files: Pick<FileStore, 'list'>
  checks: readonly HealthCheck[]
  penalties: PenaltyBook
  /** True once the service stops: it does not wait for open pages. */
  isStopping?: () => boolean
}): ConsolePage[] {
  const { runs, outbox } = state
  const { tenants, webhooks } = operations
  const stored = { everyMs: lookMs, mark: () => state.mark() }
  let open = 0

  async function follow({ context }: Visit, watched: Watched): Promise<Response> {
    if (open >= mostOpen) {
      throw new AppError('unavailable', `Cannot send events: ${mostOpen} pages get them already`)
    }
    const last = (context.req.header('last-event-id') ?? '').slice(0, 100)
    open += 1
    const onEnd = (): void => void (open -= 1)
    try {
      const { signal } = context.req.raw
      const events = await changeEvents(watched, { last, signal, isStopping, onEnd })
      return context.body(events, 200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies of the nginx kind would gather events otherwise.
        'x-accel-buffering': 'no',
      })
    } catch (error) {
      onEnd()
      throw error
    }
  }

  async function shownRuns(tenantId: string | null): Promise<string> {
    const scope = tenantId === null ? {} : { tenantId }
    const newest = await runs.list({ limit: newestRuns, ...scope })
    // Older runs that wait or run are rare, and all that changes of them changes what they are.
    const held = await runs.list({ states: ['held'], limit: newestRuns, ...scope })
    return [...newest, ...held].map(({ id, version }) => `${id.slice(-12)}.${version}`).join(' ')
  }

  async function watchedOf(visit: Visit): Promise<Watched> {
    const tenant = await clientOf(visit, tenants)
    const of = visit.query('of')
    if (of === 'outbox') {
      const look = async (): Promise<string> =>
        (await outbox.list(tenant.id, newestMails))
          .map(({ id, state: mail, attempts }) => `${id.slice(-12)}.${mail}.${attempts}`)
          .join(' ')
      return { ...stored, look }
    }
    if (of === 'incomplete') {
      const look = async (): Promise<string> =>
        (await cutUploads(files, tenant.id)).map(({ path, size }) => `${path} ${size}`).join('\n')
      return { look, everyMs: slowMs, mark: () => undefined }
    }
    if (of.startsWith('webhook:')) {
      const webhook = await webhooks.find(tenant.id, of.slice('webhook:'.length))
      const look = async (): Promise<string> =>
        (await webhooks.deliveries(webhook, { limit: newestDeliveries }))
          .map((one) => `${one.id.slice(-12)}.${one.state}.${one.attempts}`)
          .join(' ')
      return { ...stored, look }
    }
    throw new AppError('not_found', `There are no events of "${of.slice(0, 60)}"`)
  }

  return [
    page('GET /console/events', (visit) =>
      follow(visit, { ...stored, look: () => shownRuns(visit.caller.tenantId) }),
    ),
    page('GET /console/clients/:tenant/events', async (visit) =>
      follow(visit, await watchedOf(visit)),
    ),
    page('GET /console/server/events', (visit) =>
      follow(visit, {
        async look() {
          const health = (await checkAll(checks)).map(({ name, ok }) => `${name} ${ok}`)
          const kept = penalties.list().map(({ source, enforced }) => `${source} ${enforced}`)
          return [...health, ...kept].join('\n')
        },
        everyMs: slowMs,
        mark: () => undefined,
      }),
    ),
  ]
}
