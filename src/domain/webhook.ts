import type { Run } from './run.ts'

export const webhookEvents = [
  'import.completed',
  'import.failed',
  'import.held',
  'upload.incomplete',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** Where a tenant wants to be told of events. */
export interface Webhook {
  id: string
  tenantId: string
  url: string
  events: WebhookEvent[]
  /** `whsec_` and base64, as Standard Webhooks has it; kept in clear, because each delivery is signed with it. */
  secret: string
  disabled: boolean
  createdAt: number
}

export const deliveryStates = ['queued', 'delivered', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** One event on its way to one webhook: the same id and bytes at each try. */
export interface WebhookDelivery {
  /** `webhook-id` of the request. */
  id: string
  webhookId: string
  tenantId: string
  event: WebhookEvent
  /** What the event is about, such as a run: an event of it is queued once for each webhook. */
  subject: string
  body: string
  state: DeliveryState
  attempts: number
  nextAttemptAt: number
  createdAt: number
  deliveredAt: number | null
  /** HTTP status of the last answer; null when there was none. */
  status: number | null
  /** What the receiver answered, or what went wrong. */
  answer: string | null
}

/** Webhooks and their deliveries; `src/db/` fills it. */
export interface WebhookStore {
  create(webhook: Webhook): Promise<void>
  get(tenantId: string, id: string): Promise<Webhook | undefined>
  list(tenantId: string): Promise<Webhook[]>
  update(webhook: Webhook): Promise<void>
  /** Its deliveries go with it. */
  remove(tenantId: string, id: string): Promise<boolean>
  /** Repeatable: an event of the same subject for the same webhook is there already → nothing changes. */
  queue(delivery: WebhookDelivery): Promise<void>
  /** Queued deliveries whose time has come, oldest first. */
  due(now: number, limit: number): Promise<WebhookDelivery[]>
  nextDueAt(): Promise<number | undefined>
  keep(delivery: WebhookDelivery): Promise<void>
  delivery(tenantId: string, id: string): Promise<WebhookDelivery | undefined>
  /** Deliveries of a webhook, newest first, made before the one of the id `before`. */
  deliveries(
    webhookId: string,
    options: { before?: string; limit: number },
  ): Promise<WebhookDelivery[]>
  /** Forgets deliveries made before `time` that are not queued any more. */
  sweep(time: number): Promise<void>
}

/** The event that a run's state is; undefined when nobody is told of it. */
export function eventOf({
  state,
  dryRun,
}: Pick<Run, 'state' | 'dryRun'>): WebhookEvent | undefined {
  if (dryRun) return undefined
  if (state === 'completed' || state === 'completed_with_failures') return 'import.completed'
  if (state === 'failed') return 'import.failed'
  return state === 'held' ? 'import.held' : undefined
}

/** What is told of a run; the rest is at its link. */
export function runPayload(event: WebhookEvent, run: Run, now: number): string {
  const time = (value: number | null) => (value === null ? null : new Date(value).toISOString())
  return JSON.stringify({
    type: event,
    timestamp: time(now),
    data: {
      id: run.id,
      tenantId: run.tenantId,
      filename: run.filename,
      source: run.source,
      mode: run.mode,
      state: run.state,
      counts: run.counts,
      fileReason: run.fileReason,
      createdAt: time(run.createdAt),
      finishedAt: time(run.finishedAt),
      links: { self: `/imports/${run.id}` },
    },
  })
}

/** What is told of a cut upload. */
export function uploadPayload(
  upload: { tenantId: string; path: string | null; protocol: string | null; bytes: number | null },
  now: number,
): string {
  const { tenantId, path, protocol, bytes } = upload
  return JSON.stringify({
    type: 'upload.incomplete',
    timestamp: new Date(now).toISOString(),
    data: { tenantId, path, protocol, sizeBytes: bytes },
  })
}
