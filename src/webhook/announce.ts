import type { Clock } from '../domain/clock.ts'
import { newId } from '../domain/id.ts'
import type { Log } from '../domain/log.ts'
import type { Run } from '../domain/run.ts'
import type { AuditEntry, StateStore } from '../domain/state.ts'
import { eventOf, runPayload, uploadPayload } from '../domain/webhook.ts'
import type { WebhookEvent } from '../domain/webhook.ts'

/** What is announced again after a start: longer than any server is down unnoticed. */
const recoverMs = 7 * 24 * 60 * 60_000
const runsAtOnce = 200
// The last things that a dead process has done are among the newest entries.
const cutsLookedAt = 1_000

interface Announcement {
  tenantId: string
  event: WebhookEvent
  subject: string
  /** When it happened: a webhook that is younger is not told. */
  at: number
  body: () => string
}

export interface AnnouncerOptions {
  state: StateStore
  clock: Clock
  log: Log
  /** Deliveries may be due. */
  onQueued: () => void
}

/** Queues a delivery for each webhook that wants to know of an event; each is repeatable. */
export function createAnnouncer({ state, clock, log, onQueued }: AnnouncerOptions) {
  async function announce({ tenantId, event, subject, at, body }: Announcement): Promise<void> {
    const webhooks = await state.webhooks.list(tenantId)
    const wanted = webhooks.filter(
      (one) => !one.disabled && one.events.includes(event) && one.createdAt <= at,
    )
    for (const { id: webhookId } of wanted) {
      await state.webhooks.queue({
        id: newId('delivery', clock),
        webhookId,
        tenantId,
        event,
        subject,
        body: body(),
        state: 'queued',
        attempts: 0,
        nextAttemptAt: clock.now(),
        createdAt: clock.now(),
        deliveredAt: null,
        status: null,
        answer: null,
      })
    }
    if (wanted.length > 0) onQueued()
  }

  async function announceRun(run: Run): Promise<void> {
    const event = eventOf(run)
    if (event === undefined) return
    const at = run.finishedAt ?? clock.now()
    const { id: subject, tenantId } = run
    const body = () => runPayload(event, run, clock.now())
    await announce({ tenantId, event, subject, at, body })
  }

  async function announceCut(entry: AuditEntry): Promise<void> {
    const { tenantId, at, path, bytes } = entry
    // Of a cut before the first byte nothing is kept: there is nothing to resume and nothing that is missing.
    if (tenantId === null || bytes === 0) return
    // What is asked for is written first: were the process killed in between, the next start would find the cut
    // upload without its entry, and tell of it once more.
    await state.audit.list({ tenantId, limit: 1 })
    const body = () => uploadPayload({ ...entry, tenantId }, clock.now())
    const subject = `${path ?? ''} ${at}`
    await announce({ tenantId, event: 'upload.incomplete', subject, at, body })
  }

  /** Whoever has changed the run has done so, whether it can be told or not: it is told again after a start. */
  function told(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => log.error('webhook event cannot be queued', { error }))
  }

  return {
    /** The same state; what happens to runs and uploads is announced on the way. */
    state: {
      ...state,
      runs: {
        ...state.runs,
        async update(id, changes) {
          const run = await state.runs.update(id, changes)
          if (changes.state !== undefined) await told(announceRun(run))
          return run
        },
      },
      audit: {
        ...state.audit,
        append(entry) {
          state.audit.append(entry)
          if (entry.event === 'PARTIAL_CLOSE') void told(announceCut(entry))
        },
      },
    } satisfies StateStore as StateStore,
    /** Announces what a process that died between a run's end and its announcement left out. */
    async recover(): Promise<void> {
      let before: string | undefined
      for (;;) {
        const runs: Run[] = await state.runs.list({
          since: clock.now() - recoverMs,
          limit: runsAtOnce,
          ...(before === undefined ? {} : { before }),
        })
        for (const run of runs) await announceRun(run)
        const last = runs.at(-1)
        if (last === undefined || runs.length < runsAtOnce) break
        before = last.id
      }
      for (const { id: tenantId } of await state.tenants.list()) {
        // Without a look at the audit where nobody would be told.
        if ((await state.webhooks.list(tenantId)).length === 0) continue
        const entries = await state.audit.list({ tenantId, limit: cutsLookedAt })
        for (const entry of entries) {
          if (entry.event === 'PARTIAL_CLOSE') await announceCut(entry)
        }
      }
    },
  }
}
