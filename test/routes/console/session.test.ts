import { beforeEach, describe, expect, test } from 'vitest'
import { consoleAccess } from '../../../routes/console/access.ts'
import { makeLink, sessionSeconds } from '../../../routes/console/session.ts'
import { steadyClock } from '../client.ts'
import { openWorld, origin, pathOf, signedIn, visitor } from './visitor.ts'
import type { World } from './visitor.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

const routes = Object.entries(consoleAccess)
const guarded = routes.filter(([, who]) => !(who as readonly string[]).includes('anyone'))

async function runStates(): Promise<string[]> {
  return (await world.state.runs.list({ limit: 500 })).map(({ state }) => state)
}

describe('the access table', () => {
  test('without a session every page leads to the sign-in, and every write is refused', async () => {
    expect(guarded.length).toBeGreaterThan(35)
    const nobody = visitor(world, '')
    const madeUp = visitor(world, 'rosterdrop=rd_made-up')
    for (const [route] of guarded) {
      const { method, path } = await pathOf(world, route)
      for (const who of [nobody, madeUp]) {
        const answer = method === 'GET' ? await who.get(path) : await who.post(path)
        expect(answer.status, route).toBe(method === 'GET' ? 303 : 401)
        if (method !== 'GET') continue
        expect(answer.headers.get('location')).toBe(
          `/console/sign-in?next=${encodeURIComponent(path)}`,
        )
      }
    }
    expect(new Set(await runStates())).toEqual(new Set(['held']))
  })

  test.each(guarded)('%s lets %j in and nobody else', async (route, who) => {
    const { method, path } = await pathOf(world, route)
    for (const scope of ['monitor', 'tenant', 'operator'] as const) {
      const one = await signedIn(world, scope)
      const answer = method === 'GET' ? await one.get(path) : await one.post(path)
      const open = (who as readonly string[]).includes(scope)
      expect(answer.status === 403, `${scope}: ${answer.status}`).toBe(!open)
      expect([401, 500], `${scope}: ${answer.status}`).not.toContain(answer.status)
    }
  })

  test("another client's pages and imports answer 404, as ones that never were", async () => {
    const other = await signedIn(world, 'other')
    const inside = guarded.filter(
      ([route, who]) =>
        (who as readonly string[]).includes('tenant') && /:tenant|imports\/:id/.test(route),
    )
    expect(inside.length).toBeGreaterThan(25)
    for (const [route] of inside) {
      const { method, path } = await pathOf(world, route)
      for (const one of [
        path,
        path.replace('ten_maple', 'ten_none').replace(/run_[^/]+/, 'run_none'),
      ]) {
        const answer = method === 'GET' ? await other.get(one) : await other.post(one)
        expect(answer.status, `${method} ${one}`).toBe(404)
        // The id that was asked for may stand there, the client's name may not.
        expect((await answer.text()).replaceAll('ten_maple', '')).not.toContain('maple')
      }
    }
    expect(new Set(await runStates())).toEqual(new Set(['held']))
    expect(await world.state.accounts.list('ten_maple')).toHaveLength(1)
  })
})

describe('writes', () => {
  test('from another origin, or from none, are refused and change nothing', async () => {
    const agent = await signedIn(world, 'operator')
    const writes = routes.filter(([route]) => route.startsWith('POST'))
    expect(writes.length).toBeGreaterThan(15)
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost.evil.example' },
      { origin: 'http://localhost:8080' },
      { origin: 'null' },
      { origin: '' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin, 'sec-fetch-site': 'same-site' },
    ]
    for (const [route] of writes) {
      const { path } = await pathOf(world, route)
      for (const headers of foreign) {
        const answer = await agent.post(
          path,
          { name: 'Planted', token: world.tokens.tenant },
          headers,
        )
        expect(answer.status, `${route} ${JSON.stringify(headers)}`).toBe(403)
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
    }
    const bare = await world.app.request('/console/clients/ten_maple/user-types', {
      method: 'POST',
      headers: { cookie: agent.cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'userTypes=Planted',
    })
    expect(bare.status).toBe(403)
    expect(new Set(await runStates())).toEqual(new Set(['held']))
    expect(await world.state.tenants.list()).toHaveLength(2)
    expect((await world.state.tenants.get('ten_maple'))?.userTypes).toEqual([])
  })
})

describe('sign-in by token', () => {
  test('gives a cookie for 12 hours that no script reads, on loopback without TLS', async () => {
    const answer = await visitor(world, '').post('/console/sign-in', { token: world.tokens.tenant })
    expect(answer.headers.get('location')).toBe('/')
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^rosterdrop=rd_[\w-]{43}; /)
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Lax')
    expect(cookie).toContain('Max-Age=43200')
    expect(cookie).toContain('Path=/')
    expect(cookie).not.toContain('Secure')
    expect(cookie).not.toContain(world.tokens.tenant)
  })

  test('elsewhere the cookie is __Host- and Secure, and the plain name is not taken', async () => {
    const host = 'drop.example'
    const from = { host, origin: `https://${host}` }
    const answer = await visitor(world, '').post(
      '/console/sign-in',
      { token: world.tokens.tenant },
      from,
    )
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-rosterdrop=rd_/)
    expect(cookie).toContain('Secure')
    const value = cookie.split(';')[0] ?? ''
    const get = (given: string) =>
      world.app.request('/console/imports', { headers: { host, cookie: given } })
    expect((await get(value)).status).toBe(200)
    expect((await get(value.replace('__Host-', ''))).status).toBe(303)
  })

  test('a wrong, revoked or expired token is refused, kept in the audit, and gives no cookie', async () => {
    const revoked = await world.addToken('tenant', 'ten_maple', { revokedAt: 1 })
    const expired = await world.addToken('tenant', 'ten_maple', { expiresAt: 1 })
    for (const token of ['', 'rd_made-up', revoked, expired]) {
      const answer = await visitor(world, '').post('/console/sign-in', { token })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(await answer.text()).toContain('the token is unknown, expired or revoked')
    }
    const entries = await world.state.audit.list({ limit: 9 })
    expect(entries.map(({ event }) => event)).toEqual(Array(4).fill('AUTH_FAILURE'))
  })

  test('guesses without end do not fill the audit, and keep nobody else out', async () => {
    for (let n = 0; n < 100; n += 1) {
      const guess = await visitor(world, '').post('/console/sign-in', { token: `rd_guess${n}` })
      expect(guess.status).toBe(401)
    }
    expect(await world.state.audit.list({ limit: 500 })).toHaveLength(60)
    expect((await signedIn(world, 'tenant')).cookie).not.toBe('')
  })

  test('leads to the page that was asked for, and never to another site', async () => {
    const to = async (next: string): Promise<string | null> =>
      (
        await visitor(world, '').post('/console/sign-in', { token: world.tokens.tenant, next })
      ).headers.get('location')
    expect(await to('/console/held')).toBe('/console/held')
    expect(await to('/console/imports?state=held')).toBe('/console/imports?state=held')
    for (const next of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/console/..//evil.example',
      'javascript:alert(1)',
      '/imports',
    ]) {
      expect(await to(next), next).toBe('/')
    }
  })
})

describe('a session', () => {
  test('ends after 12 hours', async () => {
    let offset = 0
    const steady = steadyClock()
    const clock = { ...steady, now: () => steady.now() + offset }
    world = await openWorld({ clock })
    const one = await signedIn(world, 'tenant')
    offset = (sessionSeconds - 60) * 1000
    expect((await one.get('/console/imports')).status).toBe(200)
    offset = (sessionSeconds + 1) * 1000
    expect((await one.get('/console/imports')).status).toBe(303)
  })

  test('ends with the sign-out, for whoever has the cookie', async () => {
    const one = await signedIn(world, 'tenant')
    const answer = await one.post('/console/sign-out')
    expect(answer.headers.get('set-cookie')).toMatch(/^rosterdrop=; Max-Age=0/)
    expect((await one.get('/console/imports')).status).toBe(303)
  })

  test('ends when the token that it came from is revoked', async () => {
    const one = await signedIn(world, 'tenant')
    const [token] = (await world.state.tokens.list('ten_maple')).filter(
      ({ scope }) => scope === 'tenant',
    )
    if (token === undefined) throw new Error('there is no token')
    await world.state.tokens.update({ ...token, revokedAt: 1 })
    expect((await one.get('/console/imports')).status).toBe(303)
  })

  test('its cookie is no bearer token of the API', async () => {
    const { cookie } = await signedIn(world, 'tenant')
    const answer = await world.request('/imports', {}, cookie.replace('rosterdrop=', ''))
    expect(answer.status).toBe(401)
  })
})

describe('a one-time link', () => {
  const link = (tenantId: string | null) =>
    makeLink(
      { sessions: world.state.sessions, clock: world.clock },
      { scope: tenantId === null ? 'operator' : 'tenant', tenantId, name: 'Ada' },
    )

  test('signs in once, by its button and not by a look at it', async () => {
    const path = await link('ten_maple')
    const nobody = visitor(world, '')
    for (const _ of [1, 2]) expect((await nobody.get(path)).headers.get('set-cookie')).toBeNull()
    const tries = await Promise.all([1, 2, 3].map(() => nobody.post(path)))
    expect(tries.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 404, 404])
    const answer = tries.find(({ status }) => status === 303)
    const cookie = (answer?.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect(await visitor(world, cookie).text('/console/imports')).toContain('Client staff')
  })

  test('is no session itself, and ends after a day', async () => {
    let offset = 0
    const steady = steadyClock()
    world = await openWorld({ clock: { ...steady, now: () => steady.now() + offset } })
    const path = await link(null)
    const secret = path.split('/').at(-1) ?? ''
    expect((await visitor(world, `rosterdrop=${secret}`).get('/console/imports')).status).toBe(303)
    expect((await visitor(world, '').post('/console/link/rd_made-up')).status).toBe(404)
    offset = 86_400_000 + 1_000
    expect((await visitor(world, '').post(path)).status).toBe(404)
  })
})
