import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/clock.ts'
import { openState } from '../../src/db/sqlite/state.ts'
import type { TokenScope } from '../../src/domain/account.ts'
import { AppError } from '../../src/domain/error.ts'
import { newId } from '../../src/domain/id.ts'
import type { Importer } from '../../src/domain/importer.ts'
import { zeroCounts } from '../../src/domain/run.ts'
import type { Run } from '../../src/domain/run.ts'
import type { StateStore } from '../../src/domain/state.ts'
import { memoryDriver } from '../../storage/memory.ts'
import { authorisation } from '../../routes/auth.ts'
import { addClient, silent } from '../drop/door.ts'
import { store } from '../storage/contract.ts'

const files = memoryDriver().files
let state: StateStore
let app: ReturnType<typeof createApp>
let submitted: { bytes: number; filename: string; dryRun: boolean | undefined }[]
const tokens = new Map<string, string>()

async function addToken(scope: TokenScope, tenantId: string | null, changes = {}): Promise<string> {
  const token = `rd_${newId('token', systemClock).slice(4)}`
  await state.tokens.create({
    id: newId('token', systemClock),
    tenantId,
    scope,
    name: scope,
    hash: createHash('sha256').update(token).digest('hex'),
    createdAt: 1,
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
    ...changes,
  })
  return token
}

async function addRun(tenantId: string, changes: Partial<Run> = {}): Promise<Run> {
  const run: Run = {
    id: newId('run', systemClock),
    tenantId,
    filename: 'users.csv',
    source: 'sftp',
    actor: null,
    mode: 'delta',
    dryRun: false,
    force: false,
    approved: false,
    state: 'completed',
    counts: { ...zeroCounts },
    sizeBytes: 10,
    sha256: null,
    encoding: null,
    delimiter: null,
    columns: [],
    ignoredColumns: [],
    notices: [],
    fileReason: null,
    reasons: [],
    bytesRead: 0,
    rowsPerSecond: 0,
    createdAt: 1,
    startedAt: null,
    finishedAt: null,
    sourcePath: `drop/${tenantId}/users.csv`,
    archivedAt: null,
    reportPath: null,
    mail: 'none',
    version: 1,
    ...changes,
  }
  await state.runs.create(run)
  return run
}

/** Takes the bytes as the real one does; what it does with them is tested in the import room. */
const importer: Pick<Importer, 'submit' | 'cancel' | 'failures'> = {
  async submit({ body, filename, dryRun, tenantId, maxBytes }) {
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new AppError('too_large', 'Cannot take the file: it is too large')
    }
    submitted.push({ bytes, filename, dryRun })
    return addRun(tenantId, { state: 'queued', filename })
  },
  async cancel() {
    throw new AppError('conflict', 'Cannot cancel the import: it is completed already')
  },
  async failures() {
    return [{ line: 2, reasons: [], cells: ['a'], raw: null }]
  },
}

function request(path: string, init: RequestInit = {}, token = tokens.get('tenant') ?? '') {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return app.request(path, { ...init, headers })
}

beforeEach(async () => {
  state = openState(':memory:')
  submitted = []
  await addClient(state, 'maple')
  await addClient(state, 'oak')
  tokens.set('tenant', await addToken('tenant', 'ten_maple'))
  tokens.set('monitor', await addToken('monitor', 'ten_maple'))
  tokens.set('operator', await addToken('operator', null))
  app = createApp({
    runs: state.runs,
    tokens: state.tokens,
    importer,
    files,
    clock: systemClock,
    log: silent,
    checks: [{ name: 'database', check: () => state.ping() }],
    maxBytes: 100,
  })
})

describe('the HTTP interface', () => {
  test('GET /livez answers while the process does, and GET /readyz names what is not well', async () => {
    expect((await app.request('/livez')).status).toBe(200)
    expect(await (await app.request('/readyz?verbose')).json()).toEqual({
      status: 'ready',
      checks: [{ name: 'database', ok: true }],
    })
    await state.close()
    const broken = await app.request('/readyz')
    expect(broken.status).toBe(503)
    expect(await broken.json()).toMatchObject({ checks: [{ name: 'database', ok: false }] })
  })

  test.each(Object.entries(authorisation))(
    '%s lets its scopes in and no other',
    async (route, scopes) => {
      const run = await addRun('ten_maple', { state: 'queued' })
      const [method = '', path = ''] = route.split(' ')
      for (const scope of ['operator', 'tenant', 'monitor'] as const) {
        const answer = await request(
          path.replace(':id', run.id),
          {
            method,
            ...(method === 'POST' ? { body: 'email\n' } : {}),
            headers: { 'content-type': 'text/csv' },
          },
          tokens.get(scope),
        )
        const allowed = scopes.some((name) => name === scope)
        expect(answer.status === 403, `${scope} on ${route}: ${answer.status}`).toBe(!allowed)
        expect(answer.status).not.toBe(401)
      }
    },
  )

  test('a missing, made-up, expired or revoked token gets 401 as a problem', async () => {
    const expired = await addToken('tenant', 'ten_maple', { expiresAt: 2 })
    const revoked = await addToken('tenant', 'ten_maple', { revokedAt: 2 })
    for (const token of ['', 'rd_made-up', 'no token at all', expired, revoked]) {
      const answer = await request('/imports', {}, token)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(await answer.json()).toMatchObject({ status: 401, code: 'unauthenticated' })
    }
  })

  test("another client's run answers 404, as one that never was", async () => {
    const other = await addRun('ten_oak', { reportPath: 'drop/ten_oak/failed/x.csv' })
    for (const path of ['', '/failures', '/failures.csv']) {
      expect((await request(`/imports/${other.id}${path}`)).status).toBe(404)
    }
    expect((await request(`/imports/${other.id}`, {}, tokens.get('operator'))).status).toBe(200)
    expect((await request('/imports/run_made-up')).status).toBe(404)
    expect(await (await request('/imports?tenant=ten_oak')).json()).toMatchObject({ data: [] })
  })

  test('GET /imports pages by cursor and links to the next page', async () => {
    for (const name of ['a.csv', 'b.csv', 'c.csv']) await addRun('ten_maple', { filename: name })
    const first = await request('/imports?limit=2')
    const page = (await first.json()) as { data: { filename: string }[]; nextCursor: string }
    expect(page.data.map(({ filename }) => filename)).toEqual(['c.csv', 'b.csv'])
    expect(first.headers.get('link')).toBe(
      `</imports?limit=2&cursor=${page.nextCursor}>; rel="next"`,
    )
    const next = (await (await request(`/imports?limit=2&cursor=${page.nextCursor}`)).json()) as {
      data: { filename: string }[]
    }
    expect(next).toMatchObject({ data: [{ filename: 'a.csv' }], nextCursor: null })
  })

  test.each(['limit=0', 'limit=x', 'cursor=made-up', 'state=lost', 'source=ftp', 'since=then'])(
    'GET /imports?%s gets 422 with what is needed',
    async (query) => {
      const answer = await request(`/imports?${query}`)
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/needed|take it/) })
    },
  )

  test('GET /imports/{id} shows no path, and answers 304 to what is known', async () => {
    const run = await addRun('ten_maple')
    const answer = await request(`/imports/${run.id}`)
    const text = await answer.text()
    expect(text).not.toContain('drop/')
    const etag = answer.headers.get('etag') ?? ''
    const again = await request(`/imports/${run.id}`, { headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    await state.runs.update(run.id, { mail: 'sent' })
    const after = await request(`/imports/${run.id}`, { headers: { 'if-none-match': etag } })
    expect(after.status).toBe(200)
  })

  test('GET /imports/{id}/failures.csv streams the report, and answers 404 without one', async () => {
    const run = await addRun('ten_maple')
    expect((await request(`/imports/${run.id}/failures.csv`)).status).toBe(404)
    const path = 'drop/ten_maple/failed/users.failed.csv'
    await store(files, path, 'x'.repeat(300_000))
    await state.runs.update(run.id, { reportPath: path })
    const answer = await request(`/imports/${run.id}/failures.csv`)
    expect(answer.headers.get('content-disposition')).toContain('users.failed.csv')
    expect((await answer.text()).length).toBe(300_000)
  })

  test('POST /imports takes a CSV body and answers 202 with the place of its run', async () => {
    const init = {
      method: 'POST',
      body: 'email\na@b.example\n',
      headers: { 'content-type': 'text/csv' },
    }
    const answer = await request('/imports?filename=new.csv&dryRun=true', init)
    expect(answer.status).toBe(202)
    const { id } = (await answer.json()) as { id: string }
    expect(answer.headers.get('location')).toBe(`/imports/${id}`)
    expect(submitted).toEqual([{ bytes: 18, filename: 'new.csv', dryRun: true }])
  })

  test('POST /imports refuses other types, names, modes and sizes, and takes nothing of them', async () => {
    const post = (query: string, type: string, body: string) =>
      request(`/imports${query}`, { method: 'POST', body, headers: { 'content-type': type } })
    expect((await post('', 'application/json', '{}')).status).toBe(415)
    expect((await post('?filename=../x.csv', 'text/csv', 'x')).status).toBe(422)
    expect((await post('?filename=x.xlsx', 'text/csv', 'x')).status).toBe(422)
    expect((await post('?mode=all', 'text/csv', 'x')).status).toBe(422)
    expect((await post('', 'text/csv', 'x'.repeat(101))).status).toBe(413)
    expect(submitted).toEqual([])
  })

  test('an unknown route and a fault of ours get a problem without details', async () => {
    expect(await (await request('/nowhere')).json()).toMatchObject({
      status: 404,
      title: 'Not found',
    })
    await state.close()
    const answer = await request('/imports')
    expect(answer.status).toBe(500)
    const text = await answer.text()
    expect(text).toContain('fault of the service')
    expect(text).not.toMatch(/database|sqlite|\.ts/i)
  })
})
