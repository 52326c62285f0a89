import { beforeEach, describe, expect, test } from 'vitest'
import { workPath } from '../../src/domain/layout.ts'
import { load } from '../storage/contract.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld({ maxBytes: 100 })
})

const csv = { 'content-type': 'text/csv' }
const post = (query: string, body: BodyInit, headers: HeadersInit = csv) =>
  world.request(`/imports${query}`, { method: 'POST', body, headers })

/** Neither a run nor a byte in the store. */
async function nothingLeft(): Promise<void> {
  expect(await world.state.runs.list({ limit: 9 })).toEqual([])
  expect(await world.files.list('work/ten_maple')).toEqual([])
}

describe('POST /imports', () => {
  test('stores a CSV body and answers 202 with the place of its run', async () => {
    const answer = await post('?filename=new.csv&dryRun=true&mode=full', 'email\na@b.example\n')
    expect(answer.status).toBe(202)
    const { id } = (await answer.json()) as { id: string }
    expect(answer.headers.get('location')).toBe(`/imports/${id}`)
    expect(await load(world.files, workPath('ten_maple', id))).toBe('email\na@b.example\n')
    expect(await world.state.runs.get(id)).toMatchObject({
      filename: 'new.csv',
      source: 'http',
      actor: 'tenant token',
      dryRun: true,
      mode: 'full',
    })
  })

  test('takes the file of a form with its name; the name in the query goes before it', async () => {
    for (const [query, name] of [
      ['', 'Ünï "users".csv'],
      ['?filename=other.csv', 'other.csv'],
    ] as const) {
      const form = new FormData()
      form.append('file', new File(['email\r\na@b.example\r\n'], 'Ünï "users".csv'))
      const answer = await post(query, form, {})
      expect(answer.status).toBe(202)
      const { id, filename } = (await answer.json()) as { id: string; filename: string }
      expect(filename).toBe(name)
      expect(await load(world.files, workPath('ten_maple', id))).toBe('email\r\na@b.example\r\n')
    }
  })

  test.each([
    ['another type', '', '{}', { 'content-type': 'application/json' }, 415],
    ['compressed bytes', '', 'x', { ...csv, 'content-encoding': 'gzip' }, 415],
    ['no type', '', new Uint8Array([65]), {}, 415],
    ['a path as name', '?filename=../x.csv', 'x', csv, 422],
    ['a line break in a name', '?filename=a%0Ab.csv', 'x', csv, 422],
    ['a name that is not imported', '?filename=x.xlsx', 'x', csv, 422],
    ['an unknown mode', '?mode=all', 'x', csv, 422],
    ['a misspelt parameter', '?dryrun=true', 'x', csv, 422],
    ['a parameter twice', '?mode=full&mode=delta', 'x', csv, 422],
    ['no bytes', '', '', csv, 422],
    ['too many bytes', '', 'x'.repeat(101), csv, 413],
  ])('refuses %s, and keeps nothing', async (_, query, body, headers, status) => {
    const answer = await post(query, body, headers)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({
      status,
      detail: expect.stringMatching(/needed|at most|larger|may be meant/),
    })
    await nothingLeft()
  })

  test('names the near parameter for one that is not known', async () => {
    const answer = await post('?dryrun=true', 'x')
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer: 'dryrun', detail: 'is not known, "dryRun" may be meant' }],
    })
  })

  test('a body that ends early or breaks leaves nothing', async () => {
    const short = await post('', 'email\n', { ...csv, 'content-length': '60' })
    expect(short.status).toBe(422)
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (controller.desiredSize === 1) controller.enqueue(new TextEncoder().encode('email\n'))
        controller.error(new Error('connection lost'))
      },
    })
    const init = { method: 'POST', body: broken, headers: csv, duplex: 'half' } as RequestInit
    expect((await world.request('/imports', init)).status).toBe(422)
    await nothingLeft()
  })

  test('while the service stops it takes no files', async () => {
    world = await openWorld({ isStopping: () => true })
    const answer = await post('', 'email\n')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('10')
    await nothingLeft()
  })
})

describe('Idempotency-Key', () => {
  const keyed = (key: string, query = '', body = 'email\n') =>
    post(query, body, { ...csv, 'idempotency-key': key })

  test('a second request with the key answers the run of the first', async () => {
    const first = await keyed('k1')
    const second = await keyed('k1')
    expect(second.status).toBe(202)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(1)
  })

  test('a key is refused for another request, and in another form; others have their own', async () => {
    await keyed('k1')
    expect((await keyed('k1', '?mode=full')).status).toBe(422)
    expect((await keyed('x'.repeat(256))).status).toBe(422)
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(1)
    const other = await world.request(
      '/imports',
      { method: 'POST', body: 'email\n', headers: { ...csv, 'idempotency-key': 'k1' } },
      world.tokens.other,
    )
    expect(other.headers.get('idempotent-replayed')).toBeNull()
  })

  test('a key is refused for another file, however it comes', async () => {
    const inForm = (key: string, text: string) => {
      const form = new FormData()
      form.append('file', new File([text], 'upload.csv'))
      return post('', form, { 'idempotency-key': key })
    }
    const inChunks = (key: string, text: string) => keyed(key, '', text)
    for (const [key, send] of Object.entries({ inForm, inChunks })) {
      const first = await send(key, 'email\na@b.example\n')
      const again = await send(key, 'email\na@b.example\n')
      expect(again.headers.get('location'), key).toBe(first.headers.get('location'))
      for (const other of [
        'email\n',
        'email\na@c.example\n',
        'email\na@b.example\nc@d.example\n',
      ]) {
        const answer = await send(key, other)
        expect(answer.status, key).toBe(422)
        expect(await answer.json()).toMatchObject({
          detail: expect.stringMatching(/another request or file/),
        })
      }
    }
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(2)
  })

  test('a key whose request failed is free again', async () => {
    expect((await keyed('k1', '', 'x'.repeat(101))).status).toBe(413)
    expect((await keyed('k1')).status).toBe(202)
  })

  test('a key that was kept before a kill leads to one run', async () => {
    const { idempotency } = world.state
    const fingerprint = JSON.stringify(['upload.csv', false, undefined])
    const kept = {
      tenantId: 'ten_maple',
      key: 'k1',
      fingerprint,
      runId: 'run_0199a1b2-7c00-7000-8000-000000000000',
      createdAt: world.clock.now(),
    }
    await idempotency.reserve(kept, 0)
    const answer = await keyed('k1')
    expect(answer.headers.get('location')).toBe(`/imports/${kept.runId}`)
    expect((await keyed('k1')).headers.get('idempotent-replayed')).toBe('true')
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(1)
  })

  test('a second request while the first goes on gets 409', async () => {
    const slow = new TransformStream<Uint8Array, Uint8Array>()
    const writer = slow.writable.getWriter()
    const headers = { ...csv, 'idempotency-key': 'k1' }
    const init = { method: 'POST', body: slow.readable, headers, duplex: 'half' } as RequestInit
    const first = world.request('/imports', init)
    await writer.write(new TextEncoder().encode('email\n'))
    await expect.poll(async () => (await keyed('k1')).status).toBe(409)
    await writer.close()
    expect((await first).status).toBe(202)
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(1)
  })
})

describe('GET /imports', () => {
  test('pages by cursor and links to the next page', async () => {
    for (const filename of ['a.csv', 'b.csv', 'c.csv']) await world.addRun({ filename })
    const first = await world.request('/imports?limit=2')
    const page = (await first.json()) as { data: { filename: string }[]; nextCursor: string }
    expect(page.data.map(({ filename }) => filename)).toEqual(['c.csv', 'b.csv'])
    const next = `/imports?limit=2&cursor=${page.nextCursor}`
    expect(first.headers.get('link')).toBe(`<${next}>; rel="next"`)
    expect(await world.json(next)).toMatchObject({
      data: [{ filename: 'a.csv' }],
      nextCursor: null,
    })
  })

  test('filters by state, source, name and time', async () => {
    const createdAt = Date.parse('2026-01-31T08:00:00Z')
    await world.addRun({ filename: 'a.csv', state: 'failed', source: 'ftps', createdAt })
    await world.addRun({ filename: 'b.csv', createdAt: createdAt + 60_000 })
    for (const query of [
      'state=failed',
      'source=ftps',
      'filename=A.c',
      'until=2026-01-31T08:00:30Z',
      'until=2026-01-31T09:00:30%2B01:00',
    ]) {
      const { data } = await world.json(`/imports?${query}`)
      expect(data, query).toMatchObject([{ filename: 'a.csv' }])
    }
    const { data } = await world.json('/imports?since=2026-01-31T08:00:30Z')
    expect(data).toMatchObject([{ filename: 'b.csv' }])
  })

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'cursor=made-up',
    'state=lost',
    'source=ftp',
    'since=then',
    'sate=failed',
  ])('?%s gets 422 with what is needed', async (query) => {
    const answer = await world.request(`/imports?${query}`)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      detail: expect.stringMatching(/needed|take it|may be meant/),
    })
  })
})
