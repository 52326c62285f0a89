// Proxies cut connections that are silent for a minute.
const keepAliveMs = 15_000
// A connection lives no longer, so that a session that has ended stops; the browser comes back by itself.
const longestMs = 15 * 60_000

/** What a page shows, as it is watched. */
export interface Watched {
  /** A text that is another one when the page has to be made anew. */
  look: () => Promise<string>
  /** Milliseconds between two looks. */
  everyMs: number
  /** Says without a look that nothing can have changed while it stays; undefined: it cannot be told. */
  mark: () => number | undefined
}

/**
 * Server-sent events without content: `change` whenever `look` gives another text, whose digest is the id. `last` is
 * what a visitor who comes back has seen; '' for a new one, who has just been given the page as it is.
 */
export async function changeEvents(
  { look, everyMs, mark }: Watched,
  {
    last,
    signal,
    isStopping,
    onEnd,
  }: { last: string; signal: AbortSignal; isStopping: () => boolean; onEnd: () => void },
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder()
  const cancelled = new AbortController()
  const ended = AbortSignal.any([signal, cancelled.signal])
  const ends = performance.now() + longestMs
  let sent = last === '' ? await digest(await look()) : last
  let seen: number | undefined
  let counted = true
  const leave = (): void => {
    if (counted) onEnd()
    counted = false
  }
  ended.addEventListener('abort', leave)
  const over = (): boolean => ended.aborted || isStopping() || performance.now() > ends

  /** The next word, or undefined after a silence. */
  async function next(): Promise<string | undefined> {
    for (let waited = 0; waited < keepAliveMs && !over(); waited += everyMs) {
      const before = mark()
      if (before === undefined || before !== seen) {
        const found = await digest(await look())
        seen = before
        if (found !== sent) return found
      }
      await pause(everyMs, ended)
    }
    return undefined
  }

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
