import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { ImportProgress, StopWish } from '../../src/import/job.ts'
import { openDesk } from './desk.ts'

const top = mkdtempSync(join(tmpdir(), 'rosterdrop-large-file-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

describe('a large file', () => {
  test('looks at the clock at each piece, and shows its progress each fifth of a second, with the right sums', async () => {
    const desk = openDesk({ pieceBytes: 1_000 })
    let [looks, time] = [0, 0]
    const shown: { at: number; progress: ImportProgress }[] = []
    // A clock of our own: how long the rows take is the machine's business.
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => time)
    await desk.drop(
      `UserUUID,email\n${Array.from({ length: 6_000 }, (_, n) => `u${n},p${n}@x.ca\n`).join('')}`,
      {
        wish() {
          looks += 1
          time += 50
          return 'no'
        },
        onProgress: (progress) => shown.push({ at: time, progress }),
      },
    )
    spy.mockRestore()
    expect(looks).toBeGreaterThan(100)
    // 20 looks a second, so that each fourth shows it.
    expect(shown.length).toBeLessThanOrEqual(looks / 4 + 1)
    expect(shown.length).toBeGreaterThan(looks / 5)
    let [last, rowsBefore] = [-Infinity, 0]
    for (const { at, progress } of shown) {
      expect(at - last).toBeGreaterThanOrEqual(200)
      const { rows, created, unchanged } = progress.counts
      expect(rows).toBe(created + unchanged)
      expect(rows).toBeGreaterThanOrEqual(rowsBefore)
      ;[last, rowsBefore] = [at, rows]
    }
    expect(rowsBefore).toBeGreaterThan(0)
    await desk.close()
  })

  test('that is stopped between batches goes on where it was, with the same counts in the end', async () => {
    const rows = Array.from({ length: 120_000 }, (_, n) =>
      n % 1000 === 5 ? `u${n},nobody\n` : `u${n},p${n}@x.ca\n`,
    )
    const content = `UserUUID,email\n${rows.join('')}`
    const desk = openDesk({ file: join(top, 'stopped.db') })
    let wish: StopWish = 'no'
    // A clock of our own, so that progress is shown at each piece, however fast the rows are.
    let time = 0
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => (time += 1000))
    const first = await desk.drop(content, {
      id: 'run_1',
      wish: () => wish,
      onProgress({ phase, counts }) {
        if (phase === 'applying' && counts.rows > 0) wish = 'stop'
      },
    })
    spy.mockRestore()
    expect(first.outcome).toBeUndefined()
    expect(first.state.counts.rows).toBeGreaterThan(0)
    expect(first.state.counts.rows).toBeLessThan(120_000)
    await desk.reopen()
    const second = await desk.drop(content, { id: 'run_1' })
    expect(second.state.counts).toMatchObject({ rows: 120_000, created: 119_880, failed: 120 })
    expect(second.failures).toHaveLength(120)
    expect(await desk.users()).toHaveLength(119_880)
    await desk.close()
  }, 60_000)

  test('of stray quotes loses one row for each, and takes time by its size alone', async () => {
    const desk = openDesk()
    const lines = Array.from(
      { length: 20_000 },
      (_, n) => `p${n}@x.ca,${n % 2 === 0 ? `"x${n}` : 'Hull'}\n`,
    )
    const { state, failures } = await desk.drop(`email,city\n${lines.join('')}`)
    expect(state.counts).toMatchObject({ rows: 20_000, created: 10_000, failed: 10_000 })
    expect(failures.every(({ reasons }) => reasons.every(({ code }) => code === 9106))).toBe(true)
    await desk.close()
  }, 60_000)
})
