import { AppError } from '../../src/domain/error.ts'
import type { RunStore, StateStore } from '../../src/domain/state.ts'
import { page } from './page.ts'
import type { ConsolePage } from './page.ts'

// The mark of the state costs nothing to ask; a list is read when it has moved, or where there is none.
const lookMs = 500
// Proxies cut connections that are silent for a minute.
const keepAliveMs = 15_000
// A connection lives no longer, so that a session that has ended stops; the browser comes back by itself.
const longestMs = 15 * 60_000
// Each holds a connection and a timer; beyond it pages ask by themselves.
const mostOpen = 500
/** What a page shows at first, so what it may have to show anew. */
const newestRuns = 50

/** `/console/events`: a word each time that a run which the visitor may see has changed. */
export function changePages({
  state,
  isStopping = () => false,
}: {
  state: Pick<StateStore, 'mark'> & { runs: Pick<RunStore, 'list'> }
  /** True once the service stops: it does not wait for open pages. */
  isStopping?: () => boolean
}): ConsolePage[] {
  let open = 0

  async function shown(tenantId: string | null): Promise<string> {
    const scope = tenantId === null ? {} : { tenantId }
    const runs = await state.runs.list({ limit: newestRuns, ...scope })
    // Older runs that wait or run are rare, and all that changes of them changes what they are.
    const held = await state.runs.list({ states: ['held'], limit: newestRuns, ...scope })
    return [...runs, ...held].map(({ id, version }) => `${id.slice(-12)}.${version}`).join(' ')
  }

  async function changes(
    tenantId: string | null,
    { last, signal }: { last: string; signal: AbortSignal },
  ): Promise<ReadableStream<Uint8Array>> {
    const encoder = new TextEncoder()
    const cancelled = new AbortController()
    const ended = AbortSignal.any([signal, cancelled.signal])
    const ends = performance.now() + longestMs
    const now = await shown(tenantId)
    let sent = last
    let mark: number | undefined
    open += 1
    let counted = true
    const leave = (): void => {
      if (counted) open -= 1
      counted = false
    }
    ended.addEventListener('abort', leave)
    const over = (): boolean => ended.aborted || isStopping() || performance.now() > ends

    /** The next word, or undefined after a silence. */
    async function next(): Promise<string | undefined> {
      for (let waited = 0; waited < keepAliveMs && !over(); waited += lookMs) {
        const before = state.mark()
        if (before === undefined || before !== mark) {
          const found = await digest(await shown(tenantId))
          mark = before
          if (found !== sent) return found
        }
        await pause(lookMs, ended)
      }
      return undefined
    }

    // Who comes anew has just been given the page as it is; who comes back may have missed something.
    if (sent === '') sent = await digest(now)
    return new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode(`retry: 2000\nid: ${sent}\nevent: hello\ndata:\n\n`))
      },
      async pull(controller) {
        const found = await next()
        if (over()) {
          leave()
          controller.close()
        } else if (found === undefined) controller.enqueue(encoder.encode(': still here\n\n'))
        else {
          sent = found
          controller.enqueue(encoder.encode(`id: ${sent}\nevent: change\ndata:\n\n`))
        }
      },
      cancel() {
        cancelled.abort()
      },
    })
  }

  return [
    page('GET /console/events', async ({ context, caller }) => {
      if (open >= mostOpen) {
        throw new AppError('unavailable', `Cannot send events: ${mostOpen} pages get them already`)
      }
      const last = (context.req.header('last-event-id') ?? '').slice(0, 100)
      const { signal } = context.req.raw
      return context.body(await changes(caller.tenantId, { last, signal }), 200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies of the nginx kind would gather events otherwise.
        'x-accel-buffering': 'no',
      })
    }),
  ]
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes).slice(0, 12), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
