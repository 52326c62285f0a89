import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attemptLimits } from '../../routes/attempts.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.state.close())

const origin = 'http://localhost'

function ask(token: string, address: string): Response | Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return world.app.request('/imports', { headers }, { address })
}

function signIn(token: string, address: string): Response | Promise<Response> {
  const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams({ token }).toString()
  return world.app.request('/console/sign-in', { method: 'POST', headers, body }, { address })
}

describe('wrong tokens of one address', () => {
  test('are answered 429 with the reason after some, while a right one and other addresses are served', async () => {
    for (let count = 0; count < attemptLimits.wrongPerMinute; count += 1) {
      expect((await ask(`rd_wrong${count}`, '192.0.2.1')).status).toBe(401)
    }
    const over = await ask('rd_another', '192.0.2.1')
    expect(over.status).toBe(429)
    expect(over.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await over.json()).toMatchObject({
      code: 'too_many',
      detail: expect.stringContaining(`over ${attemptLimits.wrongPerMinute} wrong tokens`),
    })
    expect((await ask(world.tokens.tenant, '192.0.2.1')).status).toBe(200)
    expect((await ask('rd_wrong', '192.0.2.2')).status).toBe(401)
    const audit = await world.state.audit.list({ limit: 200 })
    expect(audit.filter(({ event }) => event === 'AUTH_FAILURE')).toHaveLength(
      attemptLimits.wrongPerMinute + 1,
    )
  })

  test('count in the console too, with its one-time links, and are forgotten after a minute', async () => {
    const link = (secret: string) =>
      world.app.request(
        `/console/link/${secret}`,
        { method: 'POST', headers: { origin } },
        { address: '2001:db8::1' },
      )
    for (let count = 0; count < attemptLimits.wrongPerMinute / 2; count += 1) {
      expect((await signIn(`rd_wrong${count}`, '2001:db8::2')).status).toBe(401)
      expect((await link(`wrong${count}`)).status).toBe(404)
    }
    const over = await signIn('rd_wrong', '2001:db8::3')
    expect(over.status).toBe(429)
    expect(await over.text()).toContain('wrong tokens or links came from this address')
    expect((await link('wrong')).status).toBe(429)
    expect((await signIn(world.tokens.operator, '2001:db8::3')).status).toBe(303)
    // The clock of the tests goes on by a millisecond each time that it is asked.
    for (let count = 0; count < 61_000; count += 1) world.clock.now()
    expect((await signIn('rd_wrong', '2001:db8::3')).status).toBe(401)
  })
})
