import { describe, expect, test } from 'vitest'
import { removeFolder, runtimes, startServer } from '../support/server.ts'

describe.each(runtimes)('METRICS_PORT under %s', (runtime) => {
  test('gives the figures and nothing else, without a token', async () => {
    const server = await startServer({ runtime, env: { METRICS_PORT: '0' } })
    const line = server.lines.find((text) => text.includes('"msg":"ready"')) ?? '{}'
    const { metricsPort } = JSON.parse(line) as { metricsPort: number }
    const ask = (path: string, init?: RequestInit) =>
      fetch(`http://127.0.0.1:${metricsPort}${path}`, init)
    const figures = await ask('/metrics')
    expect(figures.status).toBe(200)
    expect(figures.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await figures.text()).toMatch(/^rosterdrop_resident_memory_bytes \d+/m)
    expect((await ask('/imports')).status).toBe(404)
    expect((await ask('/metrics', { method: 'POST' })).status).toBe(405)
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })
})
