import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { peer } from '../support/peers.ts'

const strace = peer('strace')
const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-durable-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** How often the writer's thread, which alone is traced, has synced its log on the way to each step. */
function syncsOf(outcome: string): Record<string, number> {
  const trace = join(folder, `${outcome}.trace`)
  const child = join(import.meta.dirname, 'durable-child.ts')
  const traced = ['-qq', '-y', '-o', trace, '-e', 'trace=fsync,fdatasync,write']
  const program = [process.execPath, child, join(folder, `${outcome}.db`), outcome]
  const { status, stderr } = spawnSync(strace ?? '', [...traced, ...program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  const syncs: Record<string, number> = {}
  let count = 0
  for (const line of readFileSync(trace, 'utf8').split('\n')) {
    if (/^f(?:data)?sync\(\d+<[^>]*-wal>/.test(line)) count += 1
    const [, step] = /^write\(1<[^>]*>, "(\w+)\\n"/.exec(line) ?? []
    if (step === undefined) continue
    syncs[step] = count
    count = 0
  }
  return syncs
}

describe.skipIf(strace === undefined)('a large first load', () => {
  test('waits for the disk with its outcome and its indexes, not with its batches', () => {
    const { batches, rows, indexes = 0, outcome = 0 } = syncsOf('completed')
    expect({ batches, rows }).toEqual({ batches: 0, rows: 0 })
    expect(indexes).toBeGreaterThan(2)
    expect(outcome).toBeGreaterThan(0)
  })

  test('that is cancelled among its batches waits for the disk with that', () => {
    const { batches, outcome = 0 } = syncsOf('cancelled')
    expect(batches).toBe(0)
    expect(outcome).toBeGreaterThan(0)
  })
})
