import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { top } from '../support/server.ts'

// Makes 30 MB of garbage, waits, calls, waits; prints by how many megabytes each wait has made the heap smaller.
const program = (bytes: number): string => `
  import { giveUploadMemoryBack } from './src/idle-memory.ts'
  import { setTimeout as pause } from 'node:timers/promises'
  let garbage = Array.from({ length: 400_000 }, (_, n) => ({ n, text: 'row ' + n }))
  garbage = undefined
  const used = () => process.memoryUsage().heapUsed / 2 ** 20
  const before = used()
  await pause(500)
  const waited = used()
  giveUploadMemoryBack(${bytes})
  await pause(500)
  console.log(JSON.stringify({ byWaiting: before - waited, byCall: waited - used() }))
`

function freed(bytes: number): { byWaiting: number; byCall: number } {
  const args = ['--input-type=module', '--eval', program(bytes)]
  const { stdout } = spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8' })
  return JSON.parse(stdout) as { byWaiting: number; byCall: number }
}

test('giveUploadMemoryBack() collects after a large upload what stays otherwise, and not after a small one', () => {
  const large = freed(64 * 2 ** 20)
  expect(large.byWaiting).toBeLessThan(5)
  expect(large.byCall).toBeGreaterThan(15)
  const small = freed(64 * 2 ** 20 - 1)
  expect(small.byCall).toBeLessThan(5)
})
