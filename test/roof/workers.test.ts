import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createWorkers } from '../../src/workers.ts'
import { plainSettings } from '../../storage/index.ts'

/** The nice value of each thread of this process: field 19 of proc(5), the 17th behind the name. */
function niceValues(): number[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
}

test.runIf(process.platform === 'linux')(
  'a worker lets the thread of the doors go first, which keeps its own priority',
  async () => {
    const low = constants.priority.PRIORITY_BELOW_NORMAL
    const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-workers-'))
    expect(niceValues()).not.toContain(low)
    const workers = createWorkers({
      storageUrl: join(folder, 'files'),
      storage: plainSettings,
      databaseUrl: `sqlite:${folder}`,
      aheadMs: () => 0,
    })
    workers.warm()
    await vi.waitFor(() => expect(niceValues()).toContain(low), 10_000)
    expect(niceValues()).toContain(0)
    await workers.close()
    expect(niceValues()).not.toContain(low)
    rmSync(folder, { recursive: true, force: true })
  },
)
