import { beforeEach, describe, expect, test } from 'vitest'
import { fieldNames, templateCsv } from '../../src/domain/format.ts'
import { ada, bob, eve, importAll } from '../db/directory-rows.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

const directory = () => world.directory('ten_maple')
const names = ({ data }: { data: Record<string, unknown>[] }) =>
  data.map(({ firstName, UserUUID, status }) =>
    status === 'active' ? firstName : `${String(UserUUID)} ${String(status)}`,
  )

describe('GET /users', () => {
  test('shows the fields by their names, and neither passwords nor what only we know', async () => {
    expect(await world.json('/users')).toEqual({ data: [], nextCursor: null })
    await importAll(directory(), 'run_1', [{ ...ada, password: 'a secret phrase' }])
    const text = await (await world.request('/users')).text()
    expect(text).not.toMatch(/secret|hash of|_key|"id"/)
    expect(JSON.parse(text)).toMatchObject({
      data: [
        {
          UserUUID: 'u1',
          email: 'Ada@x.example',
          lastName: null,
          status: 'active',
          hasPassword: true,
          changedAt: '1970-01-01T00:00:01.000Z',
        },
      ],
    })
  })

  test('pages, and filters by email, status and the beginning of a key', async () => {
    await importAll(directory(), 'run_1', [ada, { ...bob, active: false }, eve])
    const first = await world.json('/users?limit=2')
    expect(names(first)).toEqual(['Ada', 'u2 inactive'])
    const rest = await world.json(`/users?limit=2&cursor=${String(first['nextCursor'])}`)
    expect(names(rest)).toEqual(['Eve'])
    expect(rest['nextCursor']).toBeNull()
    expect(names(await world.json('/users?email=ADA%40X.example'))).toEqual(['Ada'])
    expect(names(await world.json('/users?status=inactive'))).toEqual(['u2 inactive'])
    expect(names(await world.json('/users?q=u&status=active'))).toEqual(['Ada', 'Eve'])
    expect(names(await world.json('/users?q=E'))).toEqual(['Eve'])
  })

  test('changedSince gives every change once and in order, by a cursor that never ends', async () => {
    const pull = async (query: string) => {
      const found: unknown[] = []
      let path = `/users?${query}`
      for (;;) {
        const answer = await world.request(path)
        const list = (await answer.json()) as Awaited<ReturnType<World['json']>>
        found.push(...names(list))
        const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
        if (next === undefined) return { found, cursor: String(list['nextCursor']) }
        path = next
      }
    }
    const since = 'changedSince=1970-01-01T00:00:00Z'
    const empty = await pull(since)
    expect(empty).toEqual({ found: [], cursor: `c0.${Number.MAX_SAFE_INTEGER}` })
    await importAll(directory(), 'run_1', [ada, bob])
    const first = await pull(`cursor=${empty.cursor}&limit=1`)
    expect(first.found).toEqual(['Ada', 'Bob'])
    expect(await pull(`${since}&limit=1`)).toEqual(first)
    expect(await pull(`cursor=${first.cursor}`)).toEqual({ found: [], cursor: first.cursor })

    await importAll(directory(), 'run_2', [{ ...bob, active: false }, eve])
    await importAll(directory(), 'run_3', [{ ...ada, firstName: 'Ann' }])
    const second = await pull(`cursor=${first.cursor}&limit=2`)
    expect(second.found).toEqual(['u2 inactive', 'Eve', 'Ann'])
    expect((await pull('changedSince=1970-01-01T00:00:03Z')).found).toEqual(['Ann'])

    await directory().revert('run_3', 'x', 9_000)
    await directory().revert('run_2', 'y', 9_001)
    expect((await pull(`cursor=${second.cursor}`)).found).toEqual(['Ada', 'Bob', 'u3 removed'])
  })

  test.each([
    'cursor=x',
    'cursor=c1',
    'cursor=-1',
    'cursor=c9999999999999999.1',
    'changedSince=yesterday',
    'changedSince=1970-01-01T00:00:00Z&cursor=5',
    'changedSince=1970-01-01T00:00:00Z&q=a',
    'cursor=c1.1&status=active',
    'q=',
    'limit=0',
    'limit=201',
    'status=gone',
    'changed_since=1970-01-01T00:00:00Z',
  ])('%s gets 422 with a remedy', async (query) => {
    const answer = await world.request(`/users?${query}`)
    expect(answer.status).toBe(422)
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/^Cannot [^.]+/)
  })

  test("another client's users are not there", async () => {
    await importAll(world.directory('ten_oak'), 'run_1', [ada])
    expect((await world.json('/users')).data).toEqual([])
    expect((await world.request('/users/u1')).status).toBe(404)
    expect((await world.request('/users?tenant=ten_oak')).status).toBe(404)
    expect(await (await world.request('/users.csv')).text()).not.toContain('u1')
    const seen = await world.json('/users?tenant=ten_oak', {}, world.tokens.operator)
    expect(names(seen)).toEqual(['Ada'])
  })
})

describe('GET /users/{uuid}', () => {
  test('finds a user whatever its UserUUID holds', async () => {
    const UserUUID = 'a/b ?ü%2F'
    await importAll(directory(), 'run_1', [{ ...ada, UserUUID }])
    const user = await world.json(`/users/${encodeURIComponent(UserUUID)}`)
    expect(user).toMatchObject({ UserUUID, firstName: 'Ada' })
    expect((await world.request('/users/A')).status).toBe(404)
  })
})

describe('GET /users.csv', () => {
  test('writes all users, page by page, quoted where a value needs it', async () => {
    const many = Array.from({ length: 1_234 }, (_, index) => ({
      line: index + 2,
      UserUUID: `u${index}`,
      firstName: index === 7 ? 'A "B", C\r\nD' : 'x',
      active: index !== 8,
    }))
    await importAll(directory(), 'run_1', many)
    const answer = await world.request('/users.csv')
    expect(answer.headers.get('content-disposition')).toContain("UTF-8''users.csv")
    const text = await answer.text()
    const header = fieldNames.filter((name) => name !== 'password').join(',')
    expect(text.startsWith(`${header}\r\nu0,,,x,`)).toBe(true)
    expect(text).toContain('\r\nu7,,,"A ""B"", C\r\nD",')
    expect(text.match(/^u\d+,/gm)).toHaveLength(1_234)
    const inactive = await (await world.request('/users.csv?status=inactive')).text()
    expect(inactive.match(/^u\d+,.*$/gm)).toEqual([expect.stringMatching(/^u8,.*,inactive$/)])
  })
})

describe('GET /format and /template.csv', () => {
  test('tell the columns of the table, to anyone', async () => {
    const format = (await (await world.app.request('/format')).json()) as { columns: unknown[] }
    expect(format.columns).toHaveLength(fieldNames.length)
    expect(format.columns[1]).toMatchObject({
      name: 'email',
      max: 100,
      headers: expect.arrayContaining(['E-mail']),
    })
    const template = await world.app.request('/template.csv')
    expect(template.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(new Uint8Array(await template.arrayBuffer())).toEqual(
      new TextEncoder().encode(templateCsv),
    )
  })
})
