import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

// Loaded into the server before it starts (NODE_OPTIONS): what its main thread waits for itself, written down once
// a second and begun anew at each SIGUSR2.
const file = process.env['BENCH_DELAY_FILE']
if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  process.on('SIGUSR2', () => delay.reset())
  setInterval(() => writeFileSync(file, String(delay.percentile(99) / 1e6)), 500).unref()
}
