import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { systemClock } from '../../src/clock.ts'
import { openDatabase } from '../../src/db/database.ts'
import { newRun } from '../../src/import/queue.ts'
import type { ImportProgress } from '../../src/import/job.ts'
import { ours, tenant } from './ours.ts'

const posts = 10_000

/** What it takes a worker to send `progress`, in milliseconds. */
function sendMs(progress: ImportProgress): number {
  const { port1, port2 } = new MessageChannel()
  const begun = performance.now()
  for (let n = 0; n < posts; n += 1) port1.postMessage({ kind: 'progress', progress })
  const each = (performance.now() - begun) / posts
  port1.close()
  port2.close()
  return each
}

/**
 * A first load whose progress is kept in a state on the same disk, as the importer does it;
 * the time of both threads is added up, though they have a core each.
 */
export async function progressCost(folder: string, file: string) {
  const database = await openDatabase(`sqlite:${join(folder, 'state')}`)
  const { state } = database
  const run = newRun(systemClock, {
    tenantId: tenant.id,
    filename: 'users.csv',
    source: 'sftp',
    actor: 'maple',
    sourcePath: '',
  })
  await state.tenants.create(tenant)
  await state.runs.create(run)
  let [times, costMs] = [0, 0]
  let last: ImportProgress | undefined
  const us = ours(join(folder, 'ours'), undefined, (progress) => {
    const begun = performance.now()
    const { counts, bytesRead, rowsPerSecond } = progress
    // In SQLite all of it is done when the promise is there.
    void state.runs.progress(run.id, { state: 'applying', counts, bytesRead, rowsPerSecond })
    costMs += performance.now() - begun
    times += 1
    last = progress
  })
  const work = await us.prepare(file)
  const begun = performance.now()
  await work()
  const seconds = (performance.now() - begun) / 1000
  if (last === undefined) throw new Error('no progress was shown')
  costMs += times * sendMs(last)
  await us.close()
  await database.close()
  return { seconds, times, share: costMs / 1000 / seconds }
}
