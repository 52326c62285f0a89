import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Asked } from '../routes/recall.ts'
import type { Reply } from '../routes/reply.ts'

interface FetchApp {
  /** `address`: of the peer, numeric. */
  fetch: (request: Request, env: { address?: string }) => Response | Promise<Response>
  /** An answer of before, asked first: without the objects of `fetch` it takes half the time. */
  recall?: (asked: Asked) => Reply | undefined
}

/** What is used of Deno's own server where the program runs under Deno. */
interface DenoServe {
  serve(
    options: { hostname: string; port: number; onListen: () => void },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname?: string } },
    ) => Response | Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void>; shutdown(): Promise<void> }
}

/** Deno's server, where there is one. */
function denoServe(): DenoServe | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Deno's own types would replace Node's
  return (globalThis as { Deno?: DenoServe }).Deno
}

/** A running HTTP listener. */
export interface HttpListener {
  /** Whether its socket takes connections now. */
  isListening(): boolean
  readonly port: number
  /** Takes no more requests, and waits up to `graceMs` for those under way. */
  stop(graceMs: number): Promise<void>
}

// A file of 1 GiB takes this long over the slowest line that anybody has; Node's own limit is 5 minutes.
const longestRequestMs = 6 * 60 * 60_000
const headersMs = 30_000
// A sender that stalls is cut; events and `Prefer: wait` are never silent for so long.
const idleMs = 120_000

/**
 * Holds back what is written to a socket until the requests that have come in together are all answered.
 *
 * Written one by one, each answer wakes its client before the next is made, and the server pays for the waking.
 */
function createGather(): (socket: Socket) => void {
  let held: Socket[] = []
  return (socket) => {
    socket.cork()
    if (held.push(socket) > 1) return
    setImmediate(() => {
      const ready = held
      held = []
      for (const one of ready) one.uncork()
    })
  }
}

function askedOf({ method = '', url = '', headers }: IncomingMessage): Asked {
  return {
    method,
    // As `fetch` is given it.
    url: `http://${headers.host}${url}`,
    header(name) {
      const value = headers[name]
      return typeof value === 'string' ? value : undefined
    },
  }
}

function peerOf(address: string | undefined): { address?: string } {
  return address === undefined ? {} : { address }
}

/** Serves `app` on `host` and `port` (0 takes a free one), by Deno.serve under Deno and by node:http elsewhere. */
export async function serveHttp(
  app: FetchApp,
  { host, port }: { host: string; port: number },
): Promise<HttpListener> {
  const deno = denoServe()
  if (deno !== undefined) {
    const server = deno.serve(
      { hostname: host, port, onListen: () => undefined },
      (request, { remoteAddr: { hostname } }) => app.fetch(request, peerOf(hostname)),
    )
    // Deno's server says when it is over, and nothing before.
    let over = false
    void server.finished.then(() => (over = true))
    return {
      port: server.addr.port,
      isListening: () => !over,
      async stop(graceMs) {
        await Promise.race([server.shutdown(), new Promise((done) => setTimeout(done, graceMs))])
      },
    }
  }

  const gather = createGather()
  const listener = getRequestListener(
    (request, { incoming }) => app.fetch(request, peerOf(incoming.socket.remoteAddress)),
    { hostname: host },
  )
  const server = createServer(
    { requestTimeout: longestRequestMs, headersTimeout: headersMs },
    (incoming, outgoing) => {
      gather(incoming.socket)
      const known = app.recall?.(askedOf(incoming))
      if (known === undefined) {
        void listener(incoming, outgoing)
        return
      }
      const { status, body, headers } = known
      const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) }
      outgoing.writeHead(status, { ...headers, ...length }).end(body ?? undefined)
    },
  )
  server.setTimeout(idleMs)
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    isListening: () => server.listening,
    async stop(graceMs) {
      const closed = new Promise((done) => server.close(done))
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(cut)
    },
  }
}

/**
 * Frees the memory of bytes that came with a request, now: the collector is told of it late, and until then an upload
 * holds up to 80 MB of what it has stored long ago.
 */
export function freeNow({ buffer, byteLength }: Uint8Array): void {
  // What Deno gives is Deno's own affair.
  if (denoServe() !== undefined) return
  // Small pieces share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
