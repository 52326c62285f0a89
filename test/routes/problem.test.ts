import { beforeEach, describe, expect, test } from 'vitest'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

describe('problems', () => {
  test('an unknown route gets 404, a wrong method 405 with those that there are', async () => {
    const none = await world.request('/nowhere')
    expect(await none.json()).toMatchObject({ status: 404, title: 'Not found', code: 'not_found' })
    const wrong = await world.request('/imports', { method: 'DELETE' })
    expect(wrong.status).toBe(405)
    expect(wrong.headers.get('allow')).toBe('POST, GET')
    expect((await world.request('/imports', { method: 'HEAD' })).status).toBe(200)
  })

  test('a fault of ours gets 500 without details, and its request id is in the log', async () => {
    const logged: unknown[] = []
    const keep = (message: string, fields?: Record<string, unknown>) =>
      logged.push({ message, ...fields })
    world = await openWorld({ log: { debug: keep, info: keep, warn: keep, error: keep } })
    await world.state.close()
    const answer = await world.request('/imports')
    expect(answer.status).toBe(500)
    const text = await answer.text()
    expect(text).toContain('fault of the service')
    expect(text).not.toMatch(/database|sqlite|\.ts/i)
    const { requestId } = JSON.parse(text) as { requestId: string }
    expect(logged).toMatchObject([
      { message: 'request failed', request_id: requestId },
      { message: 'request', request_id: requestId, route: '/imports', status: 500 },
    ])
  })

  test('every answer carries the headers that keep browsers safe', async () => {
    const { headers } = await world.request('/livez')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{10,}$/)
  })
})

describe('GET /readyz', () => {
  test('lists what is well when asked, and what is not well by itself', async () => {
    expect(await (await world.app.request('/livez')).json()).toEqual({ status: 'alive' })
    expect(await (await world.app.request('/readyz')).json()).toEqual({ status: 'ready' })
    expect(await (await world.app.request('/readyz?verbose')).json()).toEqual({
      status: 'ready',
      checks: [{ name: 'database', ok: true }],
    })
    await world.state.close()
    const broken = await world.app.request('/readyz')
    expect(broken.status).toBe(503)
    expect(await broken.json()).toMatchObject({ checks: [{ name: 'database', ok: false }] })
  })
})

describe('a JSON body', () => {
  const approve = async (body: BodyInit, type = 'application/json') => {
    const run = await world.addRun({ state: 'held' })
    const init = { method: 'POST', body, headers: { 'content-type': type } }
    const answer = await world.request(`/imports/${run.id}/approve`, init)
    expect((await world.state.runs.get(run.id))?.state).toBe('held')
    return answer
  }

  test.each([
    ['of another type', '{}', 'text/plain', 415],
    ['that is no JSON', '{"note":', 'application/json', 422],
    ['that is a list', '[]', 'application/json', 422],
    ['with a member of the wrong type', '{"note":1}', 'application/json', 422],
    ['with a prototype', '{"__proto__":{"note":"x"}}', 'application/json', 422],
    ['nested without end', '['.repeat(500_000), 'application/json', 422],
    ['of 10 MB', `{"note":"${'x'.repeat(10_000_000)}"}`, 'application/json', 413],
  ])('%s is refused, and nothing is changed', async (_, body, type, status) => {
    const answer = await approve(body, type)
    expect(answer.status).toBe(status)
    expect((await answer.text()).length).toBeLessThan(1_000)
  })

  test('with bytes that are no UTF-8 is refused', async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"note":"'), 0xff, 0x22, 0x7d])
    const answer = await approve(bytes)
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('UTF-8') })
  })
})
