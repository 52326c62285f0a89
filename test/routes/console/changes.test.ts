import { afterEach, beforeEach, expect, test } from 'vitest'
import { openWorld, signedIn } from './visitor.ts'
import type { Visitor, World } from './visitor.ts'

let world: World
const ends: (() => Promise<void>)[] = []
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await world.state.close()
})

async function listening(visitor: Visitor) {
  const answer = await visitor.get('/console/events')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('there is no body')
  ends.push(() => reader.cancel())
  return async () => (await reader.read()).value ?? ''
}

test('an event tells each visitor of changed runs of the own client, and of no other', async () => {
  const run = await world.addRun({ state: 'queued' })
  const own = await listening(await signedIn(world, 'tenant'))
  const other = await listening(await signedIn(world, 'other'))
  expect(await own()).toContain('event: hello')
  expect(await other()).toContain('event: hello')
  let overheard = ''
  void other().then((text) => (overheard = text))
  await world.state.runs.update(run.id, { state: 'parsing' })
  const told = await own()
  expect(told).toContain('event: change')
  // An id and no word of what has changed: the page is fetched again with the visitor's own rights.
  expect(told).toMatch(/^id: [0-9a-f]{24}\nevent: change\ndata:\n\n$/)
  await new Promise((go) => setTimeout(go, 1_200))
  expect(overheard).toBe('')
})

test('who comes back with the id of the last event is told what was missed', async () => {
  const run = await world.addRun({ state: 'queued' })
  const visitor = await signedIn(world, 'operator')
  const first = /id: (\w+)/.exec(await (await listening(visitor))())?.[1] ?? ''
  await world.state.runs.update(run.id, { state: 'parsing' })
  const answer = await world.app.request('/console/events', {
    headers: { cookie: visitor.cookie, 'last-event-id': first },
  })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  ends.push(async () => reader?.cancel())
  expect((await reader?.read())?.value).toContain(`id: ${first}`)
  expect((await reader?.read())?.value).toContain('event: change')
})
