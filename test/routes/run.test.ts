import { beforeEach, describe, expect, test } from 'vitest'
import { reportPath } from '../../src/domain/layout.ts'
import { store } from '../storage/contract.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})

describe('GET /imports/{id}', () => {
  test('shows no path, and answers 304 to what is known', async () => {
    const run = await world.addRun({ reportPath: 'drop/ten_maple/failed/x.csv', archivedAt: 5 })
    const answer = await world.request(`/imports/${run.id}`)
    const text = await answer.text()
    expect(text).not.toContain('drop/')
    expect(JSON.parse(text)).toMatchObject({ mail: 'none', links: { source: expect.any(String) } })
    const etag = answer.headers.get('etag') ?? ''
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await world.request(`/imports/${run.id}`, {
        headers: { 'if-none-match': known },
      })
      expect(again.status).toBe(304)
      expect(await again.text()).toBe('')
    }
    await world.state.runs.update(run.id, { mail: 'sent' })
    const after = await world.request(`/imports/${run.id}`, { headers: { 'if-none-match': etag } })
    expect(after.status).toBe(200)
    expect(after.headers.get('etag')).not.toBe(etag)
  })

  test('Prefer: wait answers at the next change', async () => {
    const run = await world.addRun({ state: 'queued' })
    const waiting = world.request(`/imports/${run.id}`, { headers: { prefer: 'wait=30' } })
    // So that the request has read the run before it changes.
    await new Promise((resolve) => setTimeout(resolve, 100))
    await world.state.runs.update(run.id, { state: 'parsing' })
    const answer = await waiting
    expect(await answer.json()).toMatchObject({ state: 'parsing' })
    expect(answer.headers.get('preference-applied')).toBe('wait=30')
  })

  test('Prefer: wait answers 304 when its time is over, and at once for what is settled', async () => {
    const run = await world.addRun({ state: 'queued' })
    const etag = (await world.request(`/imports/${run.id}`)).headers.get('etag') ?? ''
    const headers = { prefer: 'respond-async, wait=1', 'if-none-match': etag }
    expect((await world.request(`/imports/${run.id}`, { headers })).status).toBe(304)
    const settled = await world.addRun({ archivedAt: 5 })
    const answer = await world.request(`/imports/${settled.id}`, { headers: { prefer: 'wait=40' } })
    expect(answer.status).toBe(200)
  })
})

describe('GET /imports/{id}/events', () => {
  interface Sent {
    id: string
    data: { state: string; mail: string }
  }

  async function* eventsOf(answer: Response): AsyncGenerator<Sent> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const piece of answer.body ?? []) {
      text += decoder.decode(piece, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const id = /^id: (\d+)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (id !== undefined && data !== undefined) {
          yield { id, data: JSON.parse(data) as Sent['data'] }
        }
      }
    }
  }

  test('sends the run now, at each change, and ends when nothing will change', async () => {
    const run = await world.addRun({ state: 'queued' })
    const answer = await world.request(`/imports/${run.id}/events`)
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const events = eventsOf(answer)
    expect((await events.next()).value).toMatchObject({ data: { state: 'queued' } })
    await world.state.runs.update(run.id, { state: 'parsing' })
    expect((await events.next()).value).toMatchObject({ data: { state: 'parsing' } })
    const last = await world.state.runs.update(run.id, { state: 'completed', archivedAt: 9 })
    expect((await events.next()).value).toMatchObject({
      id: String(last.version),
      data: { state: 'completed' },
    })
    expect((await events.next()).done).toBe(true)
  })

  test('Last-Event-ID skips what is known, and 204 ends the connecting for good', async () => {
    const run = await world.addRun({ state: 'parsing' })
    const from = (id: number) =>
      world.request(`/imports/${run.id}/events`, { headers: { 'last-event-id': String(id) } })
    const events = eventsOf(await from(run.version))
    const next = events.next()
    const last = await world.state.runs.update(run.id, { state: 'completed', archivedAt: 9 })
    expect((await next).value).toMatchObject({ data: { state: 'completed' } })
    expect((await from(last.version)).status).toBe(204)
  })
})

describe('what a run leaves behind', () => {
  test('GET /imports/{id}/failures.csv streams the report, and answers 404 without one', async () => {
    const run = await world.addRun({ filename: 'users’.csv' })
    expect((await world.request(`/imports/${run.id}/failures.csv`)).status).toBe(404)
    const path = reportPath(run)
    await store(world.files, path, 'x'.repeat(600_000))
    await world.state.runs.update(run.id, { reportPath: path })
    const answer = await world.request(`/imports/${run.id}/failures.csv`)
    expect(answer.headers.get('content-disposition')).toMatch(/filename\*=UTF-8''users%E2%80%99/)
    expect((await answer.text()).length).toBe(600_000)
  })

  test('GET /imports/{id}/source.csv gives the archived file, not one that is still imported', async () => {
    const path = 'drop/ten_maple/bak/users.csv'
    await store(world.files, path, 'email\n')
    const run = await world.addRun({ sourcePath: path })
    expect((await world.request(`/imports/${run.id}/source.csv`)).status).toBe(404)
    await world.state.runs.update(run.id, { archivedAt: 5 })
    expect(await (await world.request(`/imports/${run.id}/source.csv`)).text()).toBe('email\n')
  })

  test('a file that the sweep has deleted gets 404', async () => {
    const run = await world.addRun({ sourcePath: 'drop/ten_maple/bak/gone.csv', archivedAt: 5 })
    const answer = await world.request(`/imports/${run.id}/source.csv`)
    expect(answer.status).toBe(404)
    expect(await answer.text()).not.toContain('drop/')
  })

  test('GET /imports/{id}/failures pages through the rows, by code if asked', async () => {
    const run = await world.addRun()
    const first = await world.json(`/imports/${run.id}/failures?limit=2`)
    expect(first).toMatchObject({ data: [{ line: 2 }, { line: 3 }], nextCursor: '3' })
    const next = await world.json(`/imports/${run.id}/failures?limit=2&cursor=3`)
    expect(next).toMatchObject({ data: [{ line: 5 }], nextCursor: null })
    expect((await world.json(`/imports/${run.id}/failures?code=9030`)).data).toEqual([])
    expect((await world.request(`/imports/${run.id}/failures?cursor=x`)).status).toBe(422)
  })
})

describe('what can be done with a run', () => {
  test.each([
    ['approve', 'held', 'queued', 200],
    ['reject', 'held', 'rejected', 200],
    ['cancel', 'applying', 'cancelled', 202],
    ['revert', 'completed', 'reverted', 200],
  ] as const)('%s turns %s into %s, and is kept in the audit', async (action, from, to, status) => {
    const run = await world.addRun({ state: from })
    const answer = await world.send('POST', `/imports/${run.id}/${action}`, { note: 'as agreed' })
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ state: to })
    expect((await world.state.audit.list({ limit: 1 }))[0]).toMatchObject({
      event: 'RUN',
      actor: 'tenant token',
      path: run.id,
      detail: `${action}: as agreed`,
    })
  })

  test('a state that does not allow it gets 409, and nothing is changed or kept', async () => {
    const run = await world.addRun({ state: 'failed' })
    for (const action of ['approve', 'reject', 'cancel', 'revert']) {
      const answer = await world.request(`/imports/${run.id}/${action}`, { method: 'POST' })
      expect(answer.status).toBe(409)
    }
    expect(await world.state.runs.get(run.id)).toEqual(run)
    expect(await world.state.audit.list({ limit: 9 })).toEqual([])
  })

  test('retry makes a new run', async () => {
    const run = await world.addRun()
    const answer = await world.request(`/imports/${run.id}/retry?force=true`, { method: 'POST' })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).not.toBe(`/imports/${run.id}`)
    expect(await world.state.runs.list({ limit: 9 })).toHaveLength(2)
  })

  test('a note of the wrong kind gets 422 before anything is done', async () => {
    const run = await world.addRun({ state: 'held' })
    const answer = await world.send('POST', `/imports/${run.id}/approve`, { node: 'x' })
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      errors: [{ pointer: '/node', detail: 'is not known, "note" may be meant' }],
    })
    expect((await world.state.runs.get(run.id))?.state).toBe('held')
  })
})
