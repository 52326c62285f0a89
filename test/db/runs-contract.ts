import { describe, expect, test } from 'vitest'
import { zeroCounts } from '../../src/domain/run.ts'
import { runOf, tenantOpener } from './state-samples.ts'
import type { OpenState } from './state-samples.ts'

/** What the runs of every state store must do. */
export function stateRunsContract(name: string, openNamed: OpenState): void {
  const withTenant = tenantOpener(openNamed, 'runs')

  describe(`the state contract, runs: ${name}`, () => {
    test('runs.update() adds one to the version and refuses an unknown id', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      expect(await state.runs.update('run_1', { state: 'parsing' })).toMatchObject({ version: 2 })
      expect(await state.runs.active()).toHaveLength(1)
      expect(await state.runs.activeCounts()).toEqual({ parsing: 1 })
      await expect(state.runs.update('run_9', { state: 'parsing' })).rejects.toMatchObject({
        code: 'not_found',
      })
    })

    test('runs.progress() is seen at once, and what is updated after it holds both', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      const counts = { ...zeroCounts, rows: 9, created: 9 }
      const shown = { state: 'applying', counts, bytesRead: 90, rowsPerSecond: 5 } as const
      expect(await state.runs.progress('run_1', shown)).toMatchObject({ ...shown, version: 2 })
      expect(await state.runs.get('run_1')).toMatchObject({ ...shown, version: 2 })
      await state.runs.update('run_1', { encoding: 'utf-8' })
      expect(await state.runs.get('run_1')).toMatchObject({ ...shown, encoding: 'utf-8' })
      await expect(state.runs.progress('run_9', shown)).rejects.toMatchObject({ code: 'not_found' })
    })

    test('runs.list() pages newest first and filters by state and name', async () => {
      const state = await withTenant()
      for (const n of [1, 2, 3]) {
        await state.runs.create(
          runOf(`run_${n}`, { filename: `Users-${n}.csv`, state: n === 2 ? 'failed' : 'queued' }),
        )
      }
      const ids = async (filter: object) =>
        (await state.runs.list({ limit: 10, ...filter })).map(({ id }) => id)
      expect(await ids({})).toEqual(['run_3', 'run_2', 'run_1'])
      expect(await ids({ before: 'run_3', limit: 1 })).toEqual(['run_2'])
      expect(await ids({ states: ['failed'] })).toEqual(['run_2'])
      expect(await ids({ filename: 'users-3' })).toEqual(['run_3'])
      expect(await ids({ tenantId: 'ten_b' })).toEqual([])
    })

    test('runs.perDay() adds up rows and failures of a day, without dry runs and other clients', async () => {
      const state = await withTenant()
      const acme = await state.tenants.findByName('Acme')
      if (acme === undefined) throw new Error('there is no Acme')
      await state.tenants.create({ ...acme, id: 'ten_b', name: 'Birch' })
      const noon = Date.parse('2026-01-31T12:00:00Z')
      const day = 86_400_000
      const counts = { ...zeroCounts, rows: 10, failed: 3 }
      await state.runs.create(runOf('run_1', { createdAt: noon - 9 * day, counts }))
      await state.runs.create(runOf('run_2', { createdAt: noon - day, counts }))
      await state.runs.create(runOf('run_3', { createdAt: noon, counts }))
      await state.runs.create(runOf('run_4', { createdAt: noon + 60_000, counts }))
      await state.runs.create(runOf('run_5', { createdAt: noon, counts, dryRun: true }))
      await state.runs.create(runOf('run_6', { createdAt: noon, counts, tenantId: 'ten_b' }))
      expect(await state.runs.perDay('ten_a', noon - 2 * day)).toEqual([
        { day: '2026-01-30', runs: 1, rows: 10, failed: 3 },
        { day: '2026-01-31', runs: 2, rows: 20, failed: 6 },
      ])
      await state.close()
    })

    test('runs.update() at the same time keeps every change', async () => {
      const state = await withTenant()
      await state.runs.create(runOf('run_1'))
      await Promise.all(
        Array.from({ length: 10 }, async (_, n) =>
          state.runs.update('run_1', n % 2 === 0 ? { bytesRead: n } : { reportPath: `r${n}` }),
        ),
      )
      const updated = await state.runs.get('run_1')
      expect(updated?.version).toBe(11)
      expect(updated?.bytesRead).toBeGreaterThan(-1)
      expect(updated?.reportPath).toMatch(/^r[13579]$/)
    })

    test('runs keep texts with every character', async () => {
      const state = await withTenant()
      const odd = runOf('run_1', {
        filename: 'a\\u0000"\'é日本.csv',
        fileReason: { code: 9115, sentence: 'NUL \0 and \ud800' },
      })
      await state.runs.create(odd)
      expect(await state.runs.get('run_1')).toEqual(odd)
      expect(await state.runs.perDay('ten_a', 0)).toMatchObject([{ runs: 1 }])
    })

    test('runs.unarchived() and runs.lastImported() choose by state and time', async () => {
      const state = await withTenant()
      const ended = { finishedAt: 5, archivedAt: 6 }
      await state.runs.create(runOf('run_1', { state: 'completed', ...ended }))
      await state.runs.create(runOf('run_2', { state: 'completed_with_failures', finishedAt: 9 }))
      await state.runs.create(
        runOf('run_3', { state: 'completed', ...ended, finishedAt: 20, dryRun: true }),
      )
      await state.runs.create(runOf('run_4', { state: 'held' }))
      await state.runs.create(runOf('run_5', { state: 'applying' }))
      expect((await state.runs.unarchived()).map(({ id }) => id)).toEqual(['run_2'])
      expect((await state.runs.lastImported('ten_a'))?.id).toBe('run_2')
      expect(await state.runs.lastImported('ten_b')).toBeUndefined()
    })

    test('runs.activeCounts() counts those that wait or run, by state', async () => {
      const state = await withTenant()
      expect(await state.runs.activeCounts()).toEqual({})
      const states = ['queued', 'queued', 'applying', 'held', 'completed', 'failed'] as const
      for (const [n, one] of states.entries()) {
        await state.runs.create(runOf(`run_${n}`, { state: one }))
      }
      expect(await state.runs.activeCounts()).toEqual({ queued: 2, applying: 1 })
    })
  })
}
