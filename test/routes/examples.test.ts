import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, ProblemError } from '../../examples/client.ts'
import { authorisation } from '../../routes/auth.ts'
import type { Route } from '../../routes/auth.ts'
import { partsOf } from '../../routes/endpoint.ts'
import type { Endpoint } from '../../routes/endpoint.ts'
import { apiEndpoints } from '../../routes/endpoints.ts'
import { reportPath } from '../../src/domain/layout.ts'
import { newId } from '../../src/domain/id.ts'
import { webhookEvents } from '../../src/domain/webhook.ts'
import type { RunState } from '../../src/domain/run.ts'
import { serveHttp } from '../../src/http.ts'
import type { HttpListener } from '../../src/http.ts'
import type { WebhookDelivery } from '../../src/domain/webhook.ts'
import { ada, importAll } from '../db/directory-rows.ts'
import { store } from '../storage/contract.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
let listener: HttpListener
let baseUrl: string
let endpoints: Endpoint[]
beforeAll(async () => {
  world = await openWorld({
    penalties: { list: () => [], lift: (source) => source === '192.0.2.1' },
  })
  listener = await serveHttp(world.app, { host: '127.0.0.1', port: 0 })
  baseUrl = `http://127.0.0.1:${listener.port}`
  endpoints = apiEndpoints(world.options, world.operations)
  await importAll(world.directory('ten_maple'), 'run_1', [ada])
})
afterAll(() => listener.stop(1_000))

/** The state that a run must have for an action. */
const states: Partial<Record<Route, RunState>> = {
  'POST /imports/:id/approve': 'held',
  'POST /imports/:id/reject': 'held',
  'POST /imports/:id/cancel': 'queued',
}

/** Ids for the path of a route, of things that are there. */
async function idsFor(route: Route): Promise<Record<string, string>> {
  const { path } = partsOf(route)
  if (path.startsWith('/imports')) {
    const archived = 'drop/ten_maple/bak/users.csv'
    const run = await world.addRun({ state: states[route] ?? 'completed', archivedAt: 5 })
    await store(world.files, archived, 'email\r\n')
    await store(world.files, reportPath(run), 'import_error_line\r\n')
    await world.state.runs.update(run.id, { sourcePath: archived, reportPath: reportPath(run) })
    return { id: run.id }
  }
  if (path.startsWith('/users')) return { uuid: 'u1' }
  if (path.startsWith('/penalties')) return { source: '192.0.2.1' }
  if (path.startsWith('/webhooks')) return webhookIds()
  if (path.startsWith('/accounts')) return { id: 'acc_maple' }
  if (path.startsWith('/tokens')) {
    await world.addToken('operator', null)
    const [added] = await world.state.tokens.list(null)
    return { token: added?.id ?? '' }
  }
  const [token] = await world.state.tokens.list('ten_oak')
  return { id: 'ten_oak', token: token?.id ?? '' }
}

async function webhookIds(): Promise<Record<string, string>> {
  const { clock, state } = world
  const webhook = {
    id: newId('webhook', clock),
    tenantId: 'ten_maple',
    url: 'https://hr.maple.example/hook',
    events: [...webhookEvents],
    secret: 'whsec_c2VjcmV0',
    disabled: false,
    createdAt: 1,
  }
  await state.webhooks.create(webhook)
  const delivery: WebhookDelivery = {
    id: newId('delivery', clock),
    webhookId: webhook.id,
    tenantId: 'ten_maple',
    event: 'import.held',
    subject: 'run_1',
    body: '{}',
    state: 'delivered',
    attempts: 1,
    nextAttemptAt: 5,
    createdAt: 1,
    deliveredAt: 6,
    status: 204,
    answer: '',
  }
  await state.webhooks.queue(delivery)
  return { id: webhook.id, delivery: delivery.id }
}

describe('the examples of the document', () => {
  test.each(Object.keys(authorisation) as Route[])(
    '%s does what its example says',
    async (route) => {
      const one = endpoints.find((endpoint) => endpoint.route === route)
      const example = one?.example
      if (one === undefined || example === undefined) throw new Error(`${route} has no example`)
      const { method, path } = partsOf(route)
      const ids = await idsFor(route)
      const url = new URL(
        path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? ''),
        baseUrl,
      )
      for (const [name, value] of Object.entries(example.query ?? {})) {
        url.searchParams.set(name, value)
      }
      const scopes: readonly string[] = authorisation[route]
      const token = scopes.includes('tenant') ? world.tokens.tenant : world.tokens.operator
      const type =
        example.text?.type ?? (example.body === undefined ? undefined : 'application/json')
      const body = example.text?.body ?? JSON.stringify(example.body)
      const answer = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(type === undefined ? {} : { 'content-type': type }),
        },
        ...(body === undefined ? {} : { body }),
      })
      const text = await answer.text()
      expect(answer.status, text).toBe(example.status)
      const told = one.answers[example.status]
      expect(told, 'the status is among the answers').toBeDefined()
      if (told?.schema !== undefined) {
        expect(told.schema.safeParse(JSON.parse(text))).toMatchObject({ success: true })
        expect(answer.headers.get('content-type')).toContain('application/json')
      } else if (told?.type !== undefined) {
        expect(answer.headers.get('content-type')).toContain(told.type)
      }
      if (answer.status === 201 || answer.status === 202) {
        const location = answer.headers.get('location')
        if (location !== null) expect(location).toMatch(/^\/\w+\/\w+_[\w-]+$/)
      }
    },
  )
})

describe('examples/client.ts', () => {
  test('imports a file, follows its run and reads users, by types made from the document', async () => {
    const call = createClient({ baseUrl, token: world.tokens.tenant })
    const run = await call('POST /imports', {
      query: { filename: 'users.csv', dryRun: 'true' },
      header: { 'Idempotency-Key': 'client-1' },
      body: new TextEncoder().encode('email\r\nada@maple.example\r\n'),
    })
    expect(run).toMatchObject({ filename: 'users.csv', dryRun: true, state: 'queued' })
    const again = await call('GET /imports/{id}', { path: { id: run.id } })
    expect(again.counts.rows).toBe(0)
    const form = new FormData()
    form.append('file', new File(['email\r\n'], 'form.csv'))
    expect((await call('POST /imports', { body: form })).filename).toBe('form.csv')
    const { data } = await call('GET /users', { query: { limit: 5 } })
    expect(data.map(({ UserUUID, status }) => [UserUUID, status])).toEqual([['u1', 'active']])
    expect(await call('GET /users.csv', {})).toContain('u1,Ada@x.example')
    const settings = await call('PATCH /settings', { body: { archiveDays: 33 } })
    expect(settings.archiveDays).toBe(33)
  })

  test('throws what the server refuses with its remedy', async () => {
    const call = createClient({ baseUrl, token: world.tokens.tenant })
    const refused = await call('GET /imports/{id}', { path: { id: '../x' } }).catch(
      (error: unknown) => error,
    )
    expect(refused).toBeInstanceOf(ProblemError)
    expect(refused).toMatchObject({ problem: { status: 404, code: 'not_found' } })
  })
})
