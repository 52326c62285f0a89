import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StateStore } from '../../src/domain/state.ts'
import { defaultSettings } from '../../src/domain/tenant.ts'
import type { OpenState } from './state-samples.ts'

const record = (runId: string, createdAt: number, tenantId = 'ten_maple') => ({
  tenantId,
  key: 'k',
  fingerprint: 'f',
  runId,
  createdAt,
})

/** How every state store keeps used idempotency keys. */
export function idempotencyContract(name: string, open: OpenState): void {
  let opened = 0
  let state: StateStore

  describe(`the idempotency contract: ${name}`, () => {
    beforeEach(async () => {
      opened += 1
      state = await open(`idempotency_${opened}`)
      for (const tenant of ['maple', 'oak']) {
        await state.tenants.create({
          id: `ten_${tenant}`,
          name: tenant,
          settings: { ...defaultSettings },
          settingsVersion: 1,
          userTypes: [],
          loginSources: [],
          createdAt: 1,
        })
      }
    })
    afterEach(() => state.close())

    test('reserve() keeps the first use of a key, for each tenant its own', async () => {
      expect((await state.idempotency.reserve(record('run_1', 10), 0)).runId).toBe('run_1')
      expect((await state.idempotency.reserve(record('run_2', 20), 0)).runId).toBe('run_1')
      expect((await state.idempotency.reserve(record('run_3', 20, 'ten_oak'), 0)).runId).toBe(
        'run_3',
      )
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
}
