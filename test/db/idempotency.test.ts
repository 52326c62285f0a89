import { beforeEach, describe, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'

let state: StateStore

beforeEach(async () => {
  state = openState(':memory:')
  for (const name of ['maple', 'oak']) {
    await state.tenants.create({
      id: `ten_${name}`,
      name,
      settings: { ...defaultSettings },
      settingsVersion: 1,
      userTypes: [],
      loginSources: [],
      createdAt: 1,
    })
  }
})

const record = (runId: string, createdAt: number, tenantId = 'ten_maple') => ({
  tenantId,
  key: 'k',
  fingerprint: 'f',
  runId,
  createdAt,
})

describe('idempotencyStore()', () => {
  test('reserve() keeps the first use of a key, for each tenant its own', async () => {
    expect((await state.idempotency.reserve(record('run_1', 10), 0)).runId).toBe('run_1')
    expect((await state.idempotency.reserve(record('run_2', 20), 0)).runId).toBe('run_1')
    expect((await state.idempotency.reserve(record('run_3', 20, 'ten_oak'), 0)).runId).toBe('run_3')
  })

  test('reserve() forgets a use from before `since`', async () => {
    await state.idempotency.reserve(record('run_1', 10), 0)
    expect((await state.idempotency.reserve(record('run_2', 20), 11)).runId).toBe('run_2')
  })

  test('assign() changes the run, and release() frees the key', async () => {
    await state.idempotency.reserve(record('run_1', 10), 0)
    await state.idempotency.assign('ten_maple', 'k', 'run_9')
    expect((await state.idempotency.reserve(record('run_2', 20), 0)).runId).toBe('run_9')
    await state.idempotency.release('ten_maple', 'k')
    expect((await state.idempotency.reserve(record('run_2', 20), 0)).runId).toBe('run_2')
  })
})
