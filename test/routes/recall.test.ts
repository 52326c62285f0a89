import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tokenHash } from '../../routes/auth.ts'
import { serveHttp } from '../../src/http.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World

beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.state.close())

/** Asked until it is an answer of before. */
async function asked(path: string, init?: RequestInit, token?: string): Promise<Response> {
  await world.request(path, init, token)
  await world.request(path, init, token)
  return world.request(path, init, token)
}

describe('an answer that is recalled', () => {
  test('is the same as the first one, with an id of its own', async () => {
    const run = await world.addRun({ state: 'completed' })
    const first = await world.request(`/imports/${run.id}`)
    const again = await asked(`/imports/${run.id}`)
    expect(await again.text()).toBe(await first.text())
    const headers = (answer: Response) =>
      [...answer.headers].filter(([name]) => name !== 'x-request-id')
    expect(headers(again)).toEqual(headers(first))
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  })

  test('is made anew as soon as anything is written', async () => {
    const run = await world.addRun({ state: 'queued' })
    const before = await asked(`/imports/${run.id}`)
    const list = await asked('/imports')
    await world.state.runs.update(run.id, { state: 'parsing' })
    const after = await world.request(`/imports/${run.id}`)
    expect(await before.json()).toMatchObject({ state: 'queued' })
    expect(await after.json()).toMatchObject({ state: 'parsing' })
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
    expect(await list.json()).toMatchObject({ data: [{ state: 'queued' }] })
    expect(await world.json('/imports')).toMatchObject({ data: [{ state: 'parsing' }] })
  })

  test('goes to the token that has asked alone, and never to another client', async () => {
    const run = await world.addRun()
    expect((await asked(`/imports/${run.id}`)).status).toBe(200)
    expect((await world.request(`/imports/${run.id}`, {}, world.tokens.other)).status).toBe(404)
    expect((await world.request(`/imports/${run.id}`, {}, '')).status).toBe(401)
    expect(await world.json('/imports', {}, world.tokens.other)).toMatchObject({ data: [] })
  })

  test('ends with the token: at once when it is revoked, and when it expires', async () => {
    const run = await world.addRun()
    const token = await world.addToken('tenant', run.tenantId)
    const stored = await world.state.tokens.findByHash(await tokenHash(token))
    if (stored === undefined) throw new Error('the token is not stored')
    expect((await asked(`/imports/${run.id}`, {}, token)).status).toBe(200)
    await world.state.tokens.update({ ...stored, revokedAt: world.clock.now() })
    expect((await world.request(`/imports/${run.id}`, {}, token)).status).toBe(401)

    const short = await world.addToken('tenant', run.tenantId, {
      expiresAt: world.clock.now() + 40,
    })
    expect((await asked(`/imports/${run.id}`, {}, short)).status).toBe(200)
    let status = 200
    for (let tries = 0; tries < 60 && status === 200; tries += 1) {
      ;({ status } = await world.request(`/imports/${run.id}`, {}, short))
    }
    expect(status).toBe(401)
  })

  test('answers 304 to its ETag and not to another one', async () => {
    const run = await world.addRun({ state: 'completed' })
    const etag = (await asked(`/imports/${run.id}`)).headers.get('etag') ?? ''
    const known = await world.request(`/imports/${run.id}`, { headers: { 'if-none-match': etag } })
    expect(known.status).toBe(304)
    expect(await known.text()).toBe('')
    expect(known.headers.get('etag')).toBe(etag)
    const other = { headers: { 'if-none-match': '"0"' } }
    expect((await world.request(`/imports/${run.id}`, other)).status).toBe(200)
  })

  test('over a socket is byte for byte the same, and ends as soon', async () => {
    const run = await world.addRun({ state: 'completed', filename: 'Élèves.csv' })
    const listener = await serveHttp(world.app, { host: '127.0.0.1', port: 0 })
    const recalled = vi.spyOn(world.app, 'recall')
    const ask = async (headers: Record<string, string> = {}) => {
      const answer = await fetch(`http://127.0.0.1:${listener.port}/imports/${run.id}`, {
        headers: { authorization: `Bearer ${world.tokens.tenant}`, ...headers },
      })
      const names = [...answer.headers].filter(([name]) => !/^(x-request-id|date)$/.test(name))
      return { status: answer.status, names, text: await answer.text() }
    }
    const first = await ask()
    for (let tries = 0; tries < 3; tries += 1) expect(await ask()).toEqual(first)
    expect(recalled.mock.results.at(-1)?.value).toMatchObject({ status: 200 })
    expect(JSON.parse(first.text)).toMatchObject({ filename: 'Élèves.csv' })
    const etag = first.names.find(([name]) => name === 'etag')?.[1] ?? ''
    expect(await ask({ 'if-none-match': etag })).toMatchObject({ status: 304, text: '' })
    expect(recalled.mock.results.at(-1)?.value).toMatchObject({ status: 304 })
    await world.state.runs.update(run.id, { state: 'reverted' })
    expect((await ask({ 'if-none-match': etag })).status).toBe(200)
    await listener.stop(1_000)
  })
})
