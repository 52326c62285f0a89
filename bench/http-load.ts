import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** What is asked for again and again. */
export interface Target {
  port: number
  path: string
  headers: Readonly<Record<string, string>>
  /** Any other answer ends the measurement. */
  status: number
}

export interface Load {
  perSecond: number
  p99Ms: number
}

/**
 * Keeps `connections` requests under way for a time, one after the other on each connection.
 *
 * By plain sockets, because a client library would take more of the two cores than the server that is measured.
 */
export async function load(
  target: Target,
  { connections, forMs }: { connections: number; forMs: number },
): Promise<Load> {
  const lines = Object.entries(target.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = `GET ${target.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}\r\n`
  const times: number[] = []
  const end = performance.now() + forMs
  await Promise.all(Array.from({ length: connections }, () => one(target, { request, end, times })))
  const sorted = Float64Array.from(times).sort()
  return {
    perSecond: times.length / (forMs / 1000),
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  }
}

function one(
  { port, status }: Target,
  { request, end, times }: { request: string; end: number; times: number[] },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket: Socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let begun = 0
  let left = -1
  let head = ''

  function ask(): void {
    if (performance.now() >= end) {
      socket.destroy()
      return resolve()
    }
    begun = performance.now()
    socket.write(request)
  }

  socket.on('connect', ask)
  socket.on('error', reject)
  socket.on('data', (bytes: Buffer) => {
    if (left < 0) {
      head += bytes.toString('latin1')
      const at = head.indexOf('\r\n\r\n')
      if (at < 0) return
      if (!head.startsWith(`HTTP/1.1 ${status} `)) {
        socket.destroy()
        return reject(new Error(`Cannot measure: ${head.slice(0, 200)}`))
      }
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      left = length - (head.length - at - 4)
      head = ''
    } else {
      left -= bytes.length
    }
    if (left > 0) return
    left = -1
    times.push(performance.now() - begun)
    ask()
  })
  return promise
}
