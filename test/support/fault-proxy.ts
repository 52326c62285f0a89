import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What becomes of a request. */
export type Fault =
  | 'none'
  /** The answer of a server that has a fault, is busy, or lets nobody in; nothing reaches the server behind. */
  | { status: 500 | 503 | 403; code: string }
  /** Nothing is answered. */
  | 'hang'
  /** The server does it, and half of its answer comes. */
  | 'cut'
  /** The server does it, and the answer is lost. */
  | 'lost'

export const busy: Fault = { status: 503, code: 'SlowDown' }

/** An HTTP server between a client and a real one that makes faults. */
export interface FaultProxy {
  readonly endpoint: string
  /** Asked for each request; set it anew to change the weather. */
  decide: (request: IncomingMessage) => Fault
  /** Requests so far, as `METHOD /path`. */
  readonly seen: string[]
  close(): Promise<void>
}

function answerWith({ status, code }: Exclude<Fault, string>, response: ServerResponse): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, to: string, fault: Fault) {
  const { method, url, headers } = incoming
  // The host stays as the client signed it.
  const onward = request(new URL(url ?? '/', to), { method, headers }, (answer) => {
    if (fault === 'lost') {
      answer.resume()
      answer.once('end', () => outgoing.destroy())
      return
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    if (fault === 'none') {
      answer.pipe(outgoing)
      return
    }
    let left = Math.floor(Number(answer.headers['content-length'] ?? 0) / 2)
    answer.on('data', (chunk: Buffer) => {
      const piece = chunk.subarray(0, left)
      left -= piece.length
      outgoing.write(piece, () => left <= 0 && outgoing.destroy())
    })
    answer.once('end', () => outgoing.destroy())
  })
  onward.on('error', () => outgoing.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.pipe(onward)
}

/** Starts a proxy in front of `to` that lets everything through until `decide` says otherwise. */
export async function startFaultProxy(to: string): Promise<FaultProxy> {
  const seen: string[] = []
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    const fault = proxy.decide(incoming)
    if (typeof fault !== 'string') {
      incoming.resume()
      incoming.once('end', () => answerWith(fault, outgoing))
    } else if (fault === 'hang') incoming.resume()
    else forward(incoming, outgoing, to, fault)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    decide: () => 'none',
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** Faults for the first `count` requests that `matches` takes, then none. */
export function firstOnly(
  fault: Fault,
  count: number,
  matches: (request: IncomingMessage) => boolean = () => true,
): FaultProxy['decide'] {
  let left = count
  return (incoming) => {
    if (left === 0 || !matches(incoming)) return 'none'
    left -= 1
    return fault
  }
}
