import { beforeEach, describe, expect, test } from 'vitest'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

const send = (method: string, path: string, body: unknown) =>
  world.send(method, path, body, world.tokens.operator)

describe('/tenants', () => {
  test('adds a client with settings, and says what is missing of one without', async () => {
    const answer = await send('POST', '/tenants', {
      name: 'Birch',
      settings: { replyTo: 'it@birch.example', failedImportEmail: ['hr@birch.example'] },
    })
    expect(answer.status).toBe(201)
    const birch = (await answer.json()) as { id: string }
    expect(birch).toMatchObject({
      name: 'Birch',
      ready: true,
      missing: [],
      settings: { mode: 'delta' },
    })
    expect(answer.headers.get('location')).toBe(`/tenants/${birch.id}`)
    const list = await world.json('/tenants', {}, world.tokens.operator)
    expect(list.data.map(({ name, ready }) => [name, ready])).toEqual(
      expect.arrayContaining([
        ['Birch', true],
        ['maple', false],
      ]),
    )
  })

  test('a name in use gets 409; a faulty body 422; and nothing is added', async () => {
    expect((await send('POST', '/tenants', { name: 'oak' })).status).toBe(409)
    expect((await send('POST', '/tenants', { name: ' ' })).status).toBe(422)
    const deep = await send('POST', '/tenants', { name: 'x', settings: { replyto: null } })
    expect(await deep.json()).toMatchObject({
      errors: [{ pointer: '/settings/replyto', detail: expect.stringContaining('"replyTo"') }],
    })
    expect(await world.state.tenants.list()).toHaveLength(2)
  })

  test('PATCH renames and sets under If-Match', async () => {
    const path = '/tenants/ten_maple'
    const etag = (await world.request(path, {}, world.tokens.operator)).headers.get('etag') ?? ''
    const body = { name: 'Maple College', settings: { archiveDays: 30 } }
    const patch = () =>
      world.request(
        path,
        {
          method: 'PATCH',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'if-match': etag },
        },
        world.tokens.operator,
      )
    expect(await (await patch()).json()).toMatchObject(body)
    expect((await patch()).status).toBe(412)
    expect((await send('PATCH', path, { name: 'oak' })).status).toBe(409)
    expect((await send('PATCH', '/tenants/ten_none', { name: 'x' })).status).toBe(404)
    expect(await world.state.tenants.get('ten_maple')).toMatchObject({ settingsVersion: 2 })
  })
})

describe('/tenants/{id}/tokens', () => {
  test('a new token is shown once and works until it is revoked', async () => {
    const path = '/tenants/ten_oak/tokens'
    const answer = await send('POST', path, { name: 'HR export' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { id, token } = (await answer.json()) as { id: string; token: string }
    expect(token).toMatch(/^rd_[\w-]{43}$/)
    expect((await world.request('/imports', {}, token)).status).toBe(200)
    const list = await (await world.request(path, {}, world.tokens.operator)).text()
    expect(list).toContain(id)
    expect(list).not.toContain(token)
    expect(list).not.toContain('hash')
    const revoke = () => world.request(`${path}/${id}`, { method: 'DELETE' }, world.tokens.operator)
    expect((await revoke()).status).toBe(204)
    expect((await world.request('/imports', {}, token)).status).toBe(401)
    expect((await revoke()).status).toBe(204)
    expect(JSON.stringify(await world.state.audit.list({ limit: 9 }))).not.toContain(token)
  })

  test('an operator token is not made here, and a token is revoked below its own client only', async () => {
    expect(
      (await send('POST', '/tenants/ten_oak/tokens', { name: 'x', scope: 'operator' })).status,
    ).toBe(422)
    expect((await send('POST', '/tenants/ten_none/tokens', { name: 'x' })).status).toBe(404)
    const [other] = await world.state.tokens.list('ten_oak')
    const path = `/tenants/ten_maple/tokens/${other?.id}`
    expect((await world.request(path, { method: 'DELETE' }, world.tokens.operator)).status).toBe(
      404,
    )
    expect(await world.state.tokens.list('ten_oak')).toMatchObject([{ revokedAt: null }])
  })
})

describe('/audit', () => {
  test('shows a client its own entries, newest first, and an operator all', async () => {
    await world.send('PATCH', '/settings', { archiveDays: 30 })
    await world.send('PATCH', '/settings', { archiveDays: 31 }, world.tokens.other)
    await world.send('PATCH', '/settings', { settleSeconds: 3 })
    const own = await world.json('/audit?limit=1')
    expect(own.data).toMatchObject([{ detail: 'settleSeconds', tenantId: 'ten_maple' }])
    const next = await world.json(`/audit?limit=1&cursor=${String(own['nextCursor'])}`)
    expect(next).toMatchObject({ data: [{ detail: 'archiveDays' }], nextCursor: null })
    expect((await world.json('/audit', {}, world.tokens.operator)).data).toHaveLength(3)
    expect((await world.request('/audit?tenant=ten_oak')).status).toBe(404)
    expect((await world.request('/audit?cursor=1e9')).status).toBe(422)
  })
})

describe('/penalties', () => {
  test('lists what keeps an address out, and lifts it, also of a /64', async () => {
    const lifted: string[] = []
    const sources = ['192.0.2.7', '2001:db8:0:0::/64']
    world = await openWorld({
      penalties: {
        list: () => sources.map((source) => ({ source, until: 60_000, enforced: true })),
        lift: (source) => sources.includes(source) && lifted.push(source) > 0,
      },
    })
    const list = await world.json('/penalties', {}, world.tokens.operator)
    expect(list.data[0]).toEqual({
      source: '192.0.2.7',
      until: '1970-01-01T00:01:00.000Z',
      enforced: true,
    })
    const lift = (source: string) =>
      world.request(
        `/penalties/${encodeURIComponent(source)}`,
        { method: 'DELETE' },
        world.tokens.operator,
      )
    for (const source of sources) expect((await lift(source)).status).toBe(204)
    expect(lifted).toEqual(sources)
    expect((await lift('198.51.100.1')).status).toBe(404)
  })
})

describe('/tokens', () => {
  test('an operator makes a token that works, lists it without its secret, and revokes it at once', async () => {
    const body = { name: 'On-call script' }
    const made = await world.send('POST', '/tokens', body, world.tokens.operator)
    expect(made.status).toBe(201)
    const { token, ...shown } = (await made.json()) as { id: string; token: string }
    expect(shown).toMatchObject({ scope: 'operator', tenantId: null, name: 'On-call script' })
    expect((await world.request('/tenants', {}, token)).status).toBe(200)
    const list = await world.json('/tokens', {}, world.tokens.operator)
    expect(list.data.map(({ id }) => id)).toContain(shown.id)
    expect(JSON.stringify(list)).not.toContain(token)
    const revoked = await world.request(`/tokens/${shown.id}`, { method: 'DELETE' }, token)
    expect(revoked.status).toBe(204)
    expect((await world.request('/tenants', {}, token)).status).toBe(401)
    const wider = await world.send(
      'POST',
      '/tokens',
      { ...body, scope: 'tenant' },
      world.tokens.operator,
    )
    expect(wider.status).toBe(422)
  })

  test("a client's token is none of theirs: another one is neither made, shown nor revoked by it", async () => {
    expect((await world.send('POST', '/tokens', { name: 'x' })).status).toBe(403)
    const ids = async () => (await world.state.tokens.list(null)).map(({ id }) => id)
    const before = await ids()
    const [own] = await world.state.tokens.list('ten_maple')
    const path = `/tokens/${own?.id}`
    expect((await world.request(path, { method: 'DELETE' }, world.tokens.operator)).status).toBe(
      404,
    )
    expect(await ids()).toEqual(before)
    expect((await world.state.tokens.list('ten_maple'))[0]?.revokedAt).toBeNull()
  })
})
