import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../domain/metrics.ts'
import { activeStates } from '../domain/run.ts'
import type { Run, RunCounts, RunState } from '../domain/run.ts'
import type { AuditEntry, OutboxMail } from '../domain/state.ts'

interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Behind `rosterdrop_`. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Of a histogram. */
  readonly buckets?: readonly number[]
}

/** Every metric; docs/operations.md is made from this table. No label holds a personal value. */
export const metricTable = {
  requests: {
    kind: 'histogram',
    name: 'http_request_seconds',
    help: 'Time to the answer of a request',
    labels: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10, 60],
  },
  runs: {
    kind: 'counter',
    name: 'imports_total',
    help: 'Imports that came to an end, by outcome and by how the file came',
    labels: ['state', 'source'],
  },
  runSeconds: {
    kind: 'histogram',
    name: 'import_seconds',
    help: 'Time from the start of an import to its outcome',
    labels: [],
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800],
  },
  rows: {
    kind: 'counter',
    name: 'rows_total',
    help: 'Rows of ended imports by outcome, without dry runs',
    labels: ['outcome'],
  },
  running: {
    kind: 'gauge',
    name: 'imports_active',
    help: 'Imports that are queued or running',
    labels: ['state'],
  },
  mails: {
    kind: 'counter',
    name: 'mails_total',
    help: 'Mails by what became of them',
    labels: ['state'],
  },
  oldestMail: {
    kind: 'gauge',
    name: 'mail_queue_seconds',
    help: 'How long the oldest mail that is due has waited',
    labels: [],
  },
  events: {
    kind: 'counter',
    name: 'audit_events_total',
    help: 'Logins, refusals, uploads and changes, by protocol',
    labels: ['event', 'protocol'],
  },
  uploadBytes: {
    kind: 'counter',
    name: 'upload_bytes_total',
    help: 'Bytes of uploads that ended well',
    labels: ['protocol'],
  },
  penalties: {
    kind: 'gauge',
    name: 'penalties',
    help: 'Addresses that are kept out for failed logins',
    labels: [],
  },
  diskFree: {
    kind: 'gauge',
    name: 'storage_free_bytes',
    help: 'Free space where files are kept',
    labels: [],
  },
  memory: {
    kind: 'gauge',
    name: 'resident_memory_bytes',
    help: 'Memory of the process',
    labels: [],
  },
  cpu: {
    kind: 'counter',
    name: 'cpu_seconds_total',
    help: 'Processor time of the process',
    labels: [],
  },
  started: {
    kind: 'gauge',
    name: 'start_time_seconds',
    help: 'When the process began, in seconds since 1970',
    labels: [],
  },
} as const satisfies Record<string, Metric>

const prefix = 'rosterdrop_'

/** The table as lines of a page. */
export function metricRows(): string[] {
  return Object.values(metricTable).map(
    ({ name, kind, labels, help }: Metric) =>
      `| \`${prefix}${name}\` | ${kind} | ${labels.join(', ')} | ${help} |`,
  )
}

/** What is asked at each scrape. */
export interface MetricSources {
  activeRuns(): Promise<Partial<Record<RunState, number>>>
  /** Seconds. */
  oldestMail(): Promise<number>
  penalties(): number
  freeBytes(): Promise<number | undefined>
}

/** What the other rooms tell. */
export interface Recorder {
  run(before: Run | undefined, after: Run): void
  mail(mail: OutboxMail): void
  audit(entry: AuditEntry): void
}

const outcomes = ['created', 'updated', 'unchanged', 'skipped', 'failed', 'deactivated'] as const

const isOver = ({ finishedAt }: Run): boolean => finishedAt !== null

/** The metrics of this process, in a registry of their own. */
export function createMetrics(sources: MetricSources): Metrics & Recorder {
  const registry = new Registry()
  const options = ({ name, help, labels, buckets }: Metric) => ({
    name: prefix + name,
    help,
    labelNames: [...labels],
    registers: [registry],
    ...(buckets === undefined ? {} : { buckets: [...buckets] }),
  })
  const { requests, runs, runSeconds, rows, running, mails, oldestMail } = metricTable
  const { events, uploadBytes, penalties, diskFree, memory, cpu, started } = metricTable
  const requestSeconds = new Histogram(options(requests))
  const ended = new Counter(options(runs))
  const duration = new Histogram(options(runSeconds))
  const rowCount = new Counter(options(rows))
  const mailCount = new Counter(options(mails))
  const eventCount = new Counter(options(events))
  const bytes = new Counter(options(uploadBytes))
  const active = new Gauge(options(running))
  const mailWait = new Gauge(options(oldestMail))
  const kept = new Gauge(options(penalties))
  const free = new Gauge(options(diskFree))
  const resident = new Gauge(options(memory))
  const processor = new Counter(options(cpu))
  new Gauge(options(started)).set(Math.round((Date.now() - performance.now()) / 1000))
  let lastCpu = 0

  async function collect(): Promise<void> {
    const counts = await sources.activeRuns()
    for (const state of activeStates) active.set({ state }, counts[state] ?? 0)
    mailWait.set(await sources.oldestMail())
    kept.set(sources.penalties())
    const space = await sources.freeBytes()
    if (space !== undefined) free.set(space)
    resident.set(process.memoryUsage.rss())
    const { user, system } = process.cpuUsage()
    const seconds = (user + system) / 1e6
    processor.inc(Math.max(0, seconds - lastCpu))
    lastCpu = seconds
  }

  function countRows(counts: RunCounts): void {
    for (const outcome of outcomes) rowCount.inc({ outcome }, counts[outcome])
  }

  return {
    request({ method, route, status, seconds }) {
      requestSeconds.observe({ method, route, status }, seconds)
    },
    run(before, after) {
      if (!isOver(after) || (before !== undefined && isOver(before))) return
      ended.inc({ state: after.state, source: after.source })
      if (after.startedAt !== null && after.finishedAt !== null) {
        duration.observe((after.finishedAt - after.startedAt) / 1000)
      }
      if (!after.dryRun) countRows(after.counts)
    },
    mail({ state }) {
      if (state !== 'queued') mailCount.inc({ state })
    },
    audit({ event, protocol, bytes: size }) {
      eventCount.inc({ event, protocol: protocol ?? 'none' })
      if (event === 'CLOSE' && size !== null) bytes.inc({ protocol: protocol ?? 'none' }, size)
    },
    async text() {
      await collect()
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}
