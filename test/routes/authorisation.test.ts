import { beforeEach, describe, expect, test } from 'vitest'
import { authorisation } from '../../routes/auth.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

/** A route's path with ids that are there. */
async function pathOf(route: string): Promise<{ method: string; path: string }> {
  const [method = '', pattern = ''] = route.split(' ')
  const run = await world.addRun({ state: 'queued' })
  const ids: Record<string, string> = {
    imports: run.id,
    accounts: 'acc_maple',
    tenants: 'ten_maple',
    users: 'S0001',
    penalties: '192.0.2.1',
    webhooks: 'whk_x',
  }
  const [, resource = ''] = pattern.split('/')
  const path = pattern
    .replace(/:(id|uuid|source)/, ids[resource] ?? '')
    .replace(/:(token|delivery)/, 'x')
  return { method, path }
}

describe('the authorisation table', () => {
  test.each(Object.entries(authorisation))('%s lets %j in and nobody else', async (route, who) => {
    const { method, path } = await pathOf(route)
    const allowed: readonly string[] = who
    for (const scope of ['operator', 'tenant', 'monitor'] as const) {
      const answer = await world.request(path, { method }, world.tokens[scope])
      const open = allowed.includes(scope) || allowed.includes('anyone')
      expect(answer.status === 403, `${scope} on ${route}: ${answer.status}`).toBe(!open)
      expect([401, 405], `${scope} on ${route}`).not.toContain(answer.status)
    }
    const nobody = await world.request(path, { method }, '')
    expect(nobody.status === 401, `nobody on ${route}: ${nobody.status}`).toBe(
      !allowed.includes('anyone'),
    )
  })

  test('a missing, made-up, expired or revoked token gets 401 as a problem, and changes nothing', async () => {
    const expired = await world.addToken('tenant', 'ten_maple', { expiresAt: 2 })
    const revoked = await world.addToken('tenant', 'ten_maple', { revokedAt: 2 })
    for (const token of ['', 'rd_made-up', 'no token at all', expired, revoked]) {
      const answer = await world.request('/imports', { method: 'POST', body: 'email\n' }, token)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(await answer.json()).toMatchObject({ status: 401, code: 'unauthenticated' })
    }
    expect(await world.state.runs.list({ limit: 9 })).toEqual([])
  })

  test("another client's run answers 404 on every route, as one that never was", async () => {
    const run = await world.addRun({ tenantId: 'ten_oak', state: 'held' })
    const routes = Object.keys(authorisation).filter((route) => route.includes('/imports/:id'))
    expect(routes.length).toBeGreaterThan(8)
    for (const route of routes) {
      const [method = '', pattern = ''] = route.split(' ')
      for (const id of [run.id, 'run_made-up', 'run_0199a1b2-7c00-7000-8000-000000000000']) {
        const answer = await world.request(pattern.replace(':id', id), { method })
        expect(answer.status, `${route} of ${id}`).toBe(404)
      }
    }
    expect(await world.state.runs.get(run.id)).toEqual(run)
    const own = await world.request(`/imports/${run.id}`, {}, world.tokens.operator)
    expect(own.status).toBe(200)
  })

  test('another client named by ?tenant= answers 404; an operator must name one', async () => {
    const post = (query: string, token: string) =>
      world.request(
        `/imports${query}`,
        { method: 'POST', body: 'email\n', headers: { 'content-type': 'text/csv' } },
        token,
      )
    expect((await post('?tenant=ten_oak', world.tokens.tenant)).status).toBe(404)
    expect((await post('?tenant=ten_none', world.tokens.operator)).status).toBe(404)
    expect((await post('', world.tokens.operator)).status).toBe(422)
    expect(await world.state.runs.list({ limit: 9 })).toEqual([])
    expect((await post('?tenant=ten_oak', world.tokens.operator)).status).toBe(202)
    expect((await world.request('/imports?tenant=ten_oak')).status).toBe(404)
    expect((await world.json('/imports')).data).toEqual([])
  })

  test('GET /metrics lets this machine in without a token, and nobody who only looks like it', async () => {
    const from = (address: string, headers: Record<string, string> = {}) =>
      world.app.request(
        '/metrics',
        { headers: { host: 'localhost:8080', ...headers } },
        { address },
      )
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect((await from(address)).status, address).toBe(200)
    }
    expect((await from('127.0.0.1', { host: 'evil.example' })).status).toBe(401)
    expect((await from('127.0.0.1', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401)
    expect((await from('127.0.0.1', { authorization: 'Bearer rd_x' })).status).toBe(401)
    expect((await from('192.0.2.1', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401)
  })

  test('the last use of a token is kept, a minute apart', async () => {
    const token = await world.addToken('tenant', 'ten_maple')
    await world.request('/imports', {}, token)
    const [first] = await world.state.tokens.list('ten_maple')
    expect(first?.lastUsedAt).not.toBeNull()
    await world.request('/imports', {}, token)
    expect((await world.state.tokens.list('ten_maple'))[0]?.lastUsedAt).toBe(first?.lastUsedAt)
  })
})
