import type { Metrics } from './domain/metrics.ts'
import { serveHttp } from './http.ts'
import type { HttpListener } from './http.ts'

const closed: HttpListener = { port: 0, isListening: () => false, stop: async () => undefined }

/** Serves `/metrics` alone, without a token, on a port of its own for a scraper of a private network; none without a port. */
export async function startMetricsDoor(
  metrics: Pick<Metrics, 'text'>,
  { host, port }: { host: string; port: number | null },
): Promise<HttpListener> {
  if (port === null) return closed
  async function fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname !== '/metrics') return new Response('Not found', { status: 404 })
    if (request.method !== 'GET') return new Response('Method not allowed', { status: 405 })
    const { type, text } = await metrics.text()
    return new Response(text, { headers: { 'content-type': type, 'cache-control': 'no-store' } })
  }
  return serveHttp({ fetch }, { host, port })
}
