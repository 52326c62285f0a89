import type { Run } from '../src/domain/run.ts'
import { isSettled, runJson } from './run-json.ts'
import type { Watch } from './watch.ts'

// Proxies cut connections that are silent for a minute, so that a comment goes out well before.
const keepAliveMs = 15_000
// A connection lives no longer, so that a revoked token stops working; the client comes back by itself.
const longestMs = 15 * 60_000

/** The events of a run from the version after `last` on; ends when nothing will change any more. */
export function runEvents(
  run: Run,
  options: { last: number; watch: Watch; signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const { watch } = options
  const encoder = new TextEncoder()
  const cancelled = new AbortController()
  const signal = AbortSignal.any([options.signal, cancelled.signal])
  const ends = performance.now() + longestMs
  let sent = options.last
  let current: Run | undefined = run

  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode('retry: 2000\n\n'))
    },
    async pull(controller) {
      if (current !== undefined && current.version !== sent) {
        sent = current.version
        const data = JSON.stringify(runJson(current))
        controller.enqueue(encoder.encode(`id: ${sent}\nevent: run\ndata: ${data}\n\n`))
        return
      }
      if (current === undefined || isSettled(current) || performance.now() > ends) {
        return controller.close()
      }
      try {
        const changed = await watch.change(current.id, sent, { forMs: keepAliveMs, signal })
        if (signal.aborted) return controller.close()
        if (changed === undefined) controller.enqueue(encoder.encode(': still here\n\n'))
        else {
          current = changed
          sent = changed.version
          const data = JSON.stringify(runJson(changed))
          controller.enqueue(encoder.encode(`id: ${sent}\nevent: run\ndata: ${data}\n\n`))
        }
      } catch {
        // Too many wait: the client comes back after `retry`.
        controller.close()
      }
    },
    cancel() {
      cancelled.abort()
    },
  })
}
