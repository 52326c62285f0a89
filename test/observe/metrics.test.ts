import { describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { AuditEntry } from '../../src/domain/state.ts'
import { createMetrics, metricTable } from '../../src/observe/metrics.ts'
import { observedState } from '../../src/observe/observed-state.ts'
import { addClient } from '../drop/door.ts'
import { runOf } from '../routes/client.ts'

const sources = {
  activeRuns: async () => ({ parsing: 1, queued: 1 }),
  oldestMail: async () => 12.5,
  penalties: () => 3,
  freeBytes: async () => 4096,
}

describe('createMetrics()', () => {
  test('writes every metric of the table with its help, and what is asked at the time', async () => {
    const metrics = createMetrics(sources)
    metrics.request({ method: 'GET', route: '/imports/:id', status: 200, seconds: 0.004 })
    const { type, text } = await metrics.text()
    expect(type).toContain('text/plain')
    for (const { name, help, kind } of Object.values(metricTable)) {
      expect(text).toContain(`# HELP rosterdrop_${name} ${help}\n# TYPE rosterdrop_${name} ${kind}`)
    }
    expect(text).toContain('rosterdrop_imports_active{state="parsing"} 1')
    expect(text).toContain('rosterdrop_mail_queue_seconds 12.5')
    expect(text).toContain('rosterdrop_penalties 3')
    expect(text).toContain('rosterdrop_storage_free_bytes 4096')
    expect(text).toMatch(
      /http_request_seconds_bucket\{le="0.005",method="GET",route="\/imports\/:id",status="200"\} 1/,
    )
  })
})

describe('observedState()', () => {
  test('counts a run once when it ends, its rows unless it was dry, mails and what enters the audit', async () => {
    const metrics = createMetrics(sources)
    const state = observedState(openState(':memory:'), () => metrics)
    await addClient(state, 'maple')
    const counts = { ...runOf({}).counts, rows: 3, created: 2, failed: 1 }
    for (const dryRun of [false, true]) {
      const run = runOf({
        id: `run_${String(dryRun)}`,
        dryRun,
        startedAt: 1_000,
        state: 'applying',
      })
      await state.runs.create(run)
      await state.runs.update(run.id, { counts, state: 'completed', finishedAt: 3_000 })
      await state.runs.update(run.id, { finishedAt: 3_000, archivedAt: 4_000 })
    }
    const entry: AuditEntry = {
      at: 1,
      tenantId: 'ten_maple',
      event: 'CLOSE',
      actor: 'canary-actor',
      address: '192.0.2.1',
      protocol: 'sftp',
      clientVersion: null,
      path: '/canary-file.csv',
      bytes: 77,
      detail: null,
    }
    state.audit.append(entry)
    const { text } = await metrics.text()
    expect(text).toContain('rosterdrop_imports_total{state="completed",source="sftp"} 2')
    expect(text).toContain('rosterdrop_rows_total{outcome="created"} 2')
    expect(text).toContain('rosterdrop_rows_total{outcome="failed"} 1')
    expect(text).toContain('rosterdrop_import_seconds_sum 4')
    expect(text).toContain('rosterdrop_audit_events_total{event="CLOSE",protocol="sftp"} 1')
    expect(text).toContain('rosterdrop_upload_bytes_total{protocol="sftp"} 77')
    expect(text).not.toMatch(/canary|192\.0\.2\.1|ten_maple/)
    expect(await state.audit.list({ limit: 9 })).toHaveLength(1)
    await state.close()
  })
})
