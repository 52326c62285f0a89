import { beforeEach, describe, expect, test } from 'vitest'
import { defaultSettings } from '../../src/domain/tenant.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

const stored = async (tenantId = 'ten_maple') => (await world.state.tenants.get(tenantId)) ?? {}

describe('GET and PATCH /settings', () => {
  test('changes what is given, keeps the rest, and says what is still missing', async () => {
    expect(await world.json('/settings')).toMatchObject({
      ready: false,
      missing: ['Reply-to Admin Email Address', 'Failed Import Email'],
      mode: 'delta',
    })
    const first = await world.send('PATCH', '/settings', {
      replyTo: 'Maple IT <it@maple.example>',
      columnMap: { Courriel: 'email' },
    })
    expect(first.status).toBe(200)
    expect(await first.json()).toMatchObject({ ready: false, missing: ['Failed Import Email'] })
    const second = await world.send('PATCH', '/settings', {
      failedImportEmail: ['hr@maple.example', 'it@maple.example'],
    })
    expect(await second.json()).toMatchObject({ ready: true, missing: [] })
    expect(await stored()).toMatchObject({
      settings: {
        ...defaultSettings,
        replyTo: 'Maple IT <it@maple.example>',
        columnMap: { Courriel: 'email' },
        failedImportEmail: ['hr@maple.example', 'it@maple.example'],
      },
      settingsVersion: 3,
    })
    expect(await world.state.audit.list({ limit: 1 })).toMatchObject([
      {
        event: 'SETTINGS',
        actor: 'tenant token',
        tenantId: 'ten_maple',
        path: 'settings',
        detail: 'failedImportEmail',
      },
    ])
  })

  test('If-Match lets one of two writers through, and tells the other one to read again', async () => {
    const etag = (await world.request('/settings')).headers.get('etag') ?? ''
    const patch = (body: object, match: string) =>
      world.request('/settings', {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', 'if-match': match },
      })
    const answers = await Promise.all([
      patch({ archiveDays: 30 }, etag),
      patch({ archiveDays: 40 }, etag),
    ])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 412]))
    const refused = answers.find(({ status }) => status === 412)
    expect(await refused?.json()).toMatchObject({
      code: 'changed',
      detail: expect.stringContaining('read it again'),
    })
    expect(await stored()).toMatchObject({ settingsVersion: 2 })
    const current = (await world.request('/settings')).headers.get('etag') ?? ''
    expect(current).not.toBe(etag)
    expect((await patch({ archiveDays: 50 }, `W/"9", ${current}`)).status).toBe(200)
    expect((await patch({ archiveDays: 60 }, '*')).status).toBe(200)
    expect(await stored()).toMatchObject({ settings: { archiveDays: 60 } })
  })

  test('without If-Match two writers at once lose neither change', async () => {
    await Promise.all([
      world.send('PATCH', '/settings', { archiveDays: 30 }),
      world.send('PATCH', '/settings', { settleSeconds: 9 }),
    ])
    expect(await stored()).toMatchObject({ settings: { archiveDays: 30, settleSeconds: 9 } })
  })

  test('answers 304 to what is known', async () => {
    const etag = (await world.request('/settings')).headers.get('etag') ?? ''
    const headers = { 'if-none-match': etag }
    expect((await world.request('/settings', { headers })).status).toBe(304)
  })

  test.each([
    ['a misspelt member', { replyTO: 'a@b.example' }, '/replyTO', '"replyTo" may be meant'],
    ['a member of the answer', { ready: true }, '/ready', 'is not known'],
    ['a misspelt word', { mode: 'deltas' }, '/mode', '"delta" may be meant'],
    ['a misspelt field', { requiredFields: ['emial'] }, '/requiredFields/0', '"email" may'],
    ['two addresses in one', { replyTo: 'a@b.example, c@d.example' }, '/replyTo', 'one mail'],
    ['a line break in an address', { replyTo: 'a@b.example\r\nBcc: x@y.example' }, '/replyTo', ''],
    ['a wrong number', { guard: { floor: -1, share: 2, cap: 1.5 } }, '/guard/floor', 'at least 0'],
    ['half a guard', { guard: { floor: 1, share: 0.5 } }, '/guard/cap', 'missing'],
    ['an unknown time zone', { timeZone: 'Toronto' }, '/timeZone', 'America/Toronto'],
    ['a pattern that guesses', { datePattern: 'DD/MM/YY' }, '/datePattern', 'DD/MM/YYYY'],
    ['one field twice', { requiredFields: ['email', 'email'] }, '/requiredFields', 'twice'],
    ['a column for no field', { columnMap: { Nom: 'surname' } }, '/columnMap/Nom', 'one of'],
    ['null for a switch', { mailFailures: null }, '/mailFailures', 'null'],
  ])(
    'refuses %s with its pointer and a remedy, and changes nothing',
    async (_, body, pointer, says) => {
      const before = await stored()
      const answer = await world.send('PATCH', '/settings', { archiveDays: 7, ...body })
      expect(answer.status).toBe(422)
      const { errors } = (await answer.json()) as { errors: { pointer: string; detail: string }[] }
      expect(errors[0]?.pointer).toBe(pointer)
      expect(errors[0]?.detail).toContain(says)
      expect(await stored()).toEqual(before)
      expect(await world.state.audit.list({ limit: 9 })).toEqual([])
    },
  )

  test('a column map keeps no prototype', async () => {
    const init = {
      method: 'PATCH',
      body: '{"columnMap":{"__proto__":"email","constructor":"username"}}',
      headers: { 'content-type': 'application/json' },
    }
    const answer = await world.request('/settings', init)
    expect(answer.status).toBe(422)
    expect(await stored()).toMatchObject({ settings: { columnMap: {} }, settingsVersion: 1 })
  })

  test("an operator changes the client that it names, a client never another's", async () => {
    const patch = (query: string, token?: string) =>
      world.send('PATCH', `/settings${query}`, { archiveDays: 7 }, token)
    expect((await patch('?tenant=ten_oak', world.tokens.operator)).status).toBe(200)
    expect(await stored('ten_oak')).toMatchObject({ settings: { archiveDays: 7 } })
    expect((await patch('?tenant=ten_oak')).status).toBe(404)
    expect((await patch('?tenant=ten_none', world.tokens.operator)).status).toBe(404)
    expect((await patch('', world.tokens.operator)).status).toBe(422)
    expect(await stored()).toMatchObject({ settingsVersion: 1 })
  })
})

describe('PUT /user-types and /login-sources', () => {
  test('replace all values under the ETag of the settings', async () => {
    const types = { data: [{ id: '1', name: 'Student' }] }
    const etag = (await world.request('/settings')).headers.get('etag') ?? ''
    const answer = await world.send('PUT', '/user-types', types)
    expect(await answer.json()).toEqual(types)
    expect(answer.headers.get('etag')).not.toBe(etag)
    await world.send('PUT', '/login-sources', { data: ['LDAP', ' Local '] })
    expect(await world.json('/login-sources')).toEqual({ data: ['LDAP', 'Local'] })
    expect(await stored()).toMatchObject({
      userTypes: [{ id: '1', name: 'Student' }],
      loginSources: ['LDAP', 'Local'],
    })
    expect((await world.send('PATCH', '/settings', { defaultLoginSource: 'LDAP' })).status).toBe(
      200,
    )
  })

  test.each([
    [
      '/user-types',
      {
        data: [
          { id: '1', name: 'Student' },
          { id: '2', name: 'student' },
        ],
      },
    ],
    [
      '/user-types',
      {
        data: [
          { id: '1', name: 'A' },
          { id: '1', name: 'B' },
        ],
      },
    ],
    ['/user-types', { data: [{ id: '1', nane: 'A' }] }],
    ['/user-types', [{ id: '1', name: 'A' }]],
    ['/login-sources', { data: ['a\u0000b'] }],
    ['/login-sources', { data: ['x'.repeat(21)] }],
    ['/login-sources', { data: [''] }],
  ])('PUT %s refuses %j, and changes nothing', async (path, body) => {
    expect((await world.send('PUT', path, body)).status).toBe(422)
    expect(await stored()).toMatchObject({ settingsVersion: 1, userTypes: [], loginSources: [] })
  })

  test('a default login source must stay one of the sources', async () => {
    await world.send('PUT', '/login-sources', { data: ['LDAP'] })
    const answer = await world.send('PATCH', '/settings', { defaultLoginSource: 'Local' })
    expect(await answer.json()).toMatchObject({
      status: 422,
      detail: expect.stringContaining('LDAP'),
    })
    await world.send('PATCH', '/settings', { defaultLoginSource: 'LDAP' })
    expect((await world.send('PUT', '/login-sources', { data: ['Local'] })).status).toBe(422)
    expect(await stored()).toMatchObject({ loginSources: ['LDAP'] })
  })
})
