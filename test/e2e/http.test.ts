import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addTenant, outcomesOf, request, runsOf } from '../support/client.ts'
import type { ShownRun, TestTenant } from '../support/client.ts'
import { removeFolder, runtimes, startServer, top } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const csv = { 'content-type': 'text/csv' }

/** Every file in the server's store that is not empty. */
function stored(server: StartedServer): string[] {
  const folder = join(server.dataFolder, 'files')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    // Not those that the store has made ahead of uploads.
    return found?.isFile() === true && !name.startsWith('probe') && !name.includes('/ahead-')
  })
}

/** Posts the beginning of a body and cuts the connection. */
async function cutPost(server: StartedServer, tenant: TestTenant, head: string, body: string) {
  const socket = connect(server.httpPort, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    `POST /imports HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tenant.token}\r\nContent-Type: text/csv\r\n${head}\r\n\r\n${body}`,
  )
  // So that the server has begun to store what came.
  await vi.waitFor(() => expect(stored(server).length).toBeGreaterThan(0), 5_000)
  socket.destroy()
}

describe.each(runtimes)('HTTP under %s', (runtime) => {
  let server: StartedServer
  let maple: TestTenant
  let oak: TestTenant

  beforeAll(async () => {
    server = await startServer({ runtime })
    maple = await addTenant(server, 'maple', { settleSeconds: 0 })
    oak = await addTenant(server, 'oak', { settleSeconds: 0 })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })

  test('a body that is cut leaves neither a run nor a byte', async () => {
    await cutPost(server, maple, 'Content-Length: 5000000', 'email\n'.repeat(50_000))
    await vi.waitFor(() => expect(stored(server)).toEqual([]), 5_000)
    const chunk = 'email\n'.repeat(50_000)
    const chunked = `${chunk.length.toString(16)}\r\n${chunk}\r\n`
    await cutPost(server, maple, 'Transfer-Encoding: chunked', chunked)
    await vi.waitFor(() => expect(stored(server)).toEqual([]), 5_000)
    expect(await runsOf(server, maple)).toEqual([])
  })

  test('an Idempotency-Key gives one run, whatever comes between', async () => {
    const post = () =>
      request(server, oak, '/imports?filename=once.csv&dryRun=true', {
        method: 'POST',
        body: 'email\r\nada@oak.example\r\n',
        headers: { ...csv, 'idempotency-key': 'e2e-1' },
      })
    const first = (await (await post()).json()) as ShownRun
    const again = await post()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(((await again.json()) as ShownRun).id).toBe(first.id)
    expect(await runsOf(server, oak)).toHaveLength(1)
  })

  test('a client with as many files as it may have gets 507', async () => {
    const ash = await addTenant(server, 'ash', { settleSeconds: 0 })
    const post = () =>
      request(server, ash, '/imports?dryRun=true', {
        method: 'POST',
        body: 'email\n',
        headers: csv,
      })
    const { tenantId } = (await (await post()).json()) as { tenantId: string }
    const folder = join(server.dataFolder, 'files', 'generations', tenantId)
    mkdirSync(folder, { recursive: true })
    for (let n = 0; n < 10_000; n += 1) writeFileSync(join(folder, `drop_${n}`), '')
    // Files that came by no door are counted within seconds.
    await vi.waitFor(async () => expect((await post()).status).toBe(507), 15_000)
    expect((await (await post()).json()) as unknown).toMatchObject({ title: 'No space left' })
  })

  test('users.csv of one client imports unchanged into another', async () => {
    const file = readFileSync(join(top, 'examples', 'users.csv'))
    const post = (tenant: TestTenant, body: BodyInit, name: string) =>
      request(server, tenant, `/imports?filename=${name}`, { method: 'POST', body, headers: csv })
    expect((await post(maple, file, 'users.csv')).status).toBe(202)
    await outcomesOf(server, maple, 1)
    const extra =
      'UserUUID,street,lastName,status\r\n"S 1,""x""","1 Rue\r\nB","O\'Brien, Zoë",inactive\r\n'
    expect((await post(maple, extra, 'extra.csv')).status).toBe(202)
    await outcomesOf(server, maple, 2)
    const exported = await (await request(server, maple, '/users.csv')).text()
    expect(exported).toContain('"S 1,""x""",')
    const answer = await post(oak, exported, 'moved.csv')
    const { id } = (await answer.json()) as ShownRun
    const run = await vi.waitFor(async () => {
      const found = (await runsOf(server, oak)).find((one) => one.id === id)
      expect(found).toMatchObject({ state: 'completed', counts: { failed: 0, skipped: 0 } })
      return found
    }, 20_000)
    // Without the header and what is behind the last line end; the line break in a street is stored as LF.
    expect(run?.counts['created']).toBe(exported.split('\r\n').length - 2)
    expect(await (await request(server, oak, '/users.csv')).text()).toBe(exported)
    const again = await post(maple, exported, 'back.csv')
    expect(again.status).toBe(202)
    const back = (await outcomesOf(server, maple, 3))[0]
    expect(back?.counts['unchanged']).toBe(back?.counts['rows'])
  })

  test('GET /readyz names every check when it is asked to', async () => {
    const answer = await fetch(`http://127.0.0.1:${server.httpPort}/readyz?verbose`)
    const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean }[] }
    const names = [
      'database',
      'listeners',
      'storage',
      'disk space',
      'mail queue',
      'TLS certificate',
    ]
    expect(checks.map(({ name }) => name)).toEqual(names)
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
  })

  test('figures are there for programs on this machine, and count what happened', async () => {
    const answer = await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)
    expect(answer.status).toBe(200)
    const text = await answer.text()
    expect(text).toMatch(/rosterdrop_imports_total\{state="completed",source="http"\} [1-9]/)
    expect(text).toMatch(
      /rosterdrop_http_request_seconds_count\{method="POST",route="\/imports",status="202"\} [1-9]/,
    )
    expect(text).not.toMatch(/maple|example/)
  })
})

describe('secrets', () => {
  test('no password, token, webhook secret or personal value reaches the log at its finest', async () => {
    const server = await startServer({ env: { LOG_LEVEL: 'debug' } })
    try {
      const maple = await addTenant(server, 'maple', { settleSeconds: 0 })
      const canaries = {
        csvPassword: 'canary-csv-password-1',
        email: 'canary-person@maple.example',
        firstName: 'Canaryfirst',
        accountPassword: 'canary-account-password',
        token: `rd_${'canarytoken'.repeat(4)}`,
        query: 'canary-query',
        body: 'canary-body',
        replyTo: 'canary-admin@maple.example',
      }
      const send = (method: string, path: string, body: unknown) =>
        request(server, maple, path, {
          method,
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        })
      await request(server, maple, '/imports?filename=users.csv', {
        method: 'POST',
        headers: csv,
        body: `email,firstName,password,prov\r\n${canaries.email},${canaries.firstName},${canaries.csvPassword},ON\r\n${canaries.email}x,${canaries.firstName},short,Nowhere\r\n`,
      })
      const [run] = await outcomesOf(server, maple, 1)
      expect(run?.counts).toMatchObject({ created: 1, failed: 1 })
      await request(server, maple, `/users?q=${canaries.email}`)
      await request(server, maple, `/users/${canaries.email}`)
      await request(server, maple, `/imports?${canaries.query}=1`)
      await request(server, maple, `/${canaries.query}`)
      await request(server, { token: canaries.token }, '/users')
      const made = await send('POST', '/accounts', {
        name: 'canary',
        password: canaries.accountPassword,
      })
      expect(made.status).toBe(201)
      expect((await send('PATCH', '/settings', { replyTo: canaries.replyTo })).status).toBe(200)
      expect((await send('PATCH', '/settings', { mode: canaries.body })).status).toBe(422)
      const hook = await send('POST', '/webhooks', { url: 'https://127.0.0.1:9/canary-hook' })
      const { secret } = (await hook.json()) as { secret: string }
      const { id } = run ?? { id: '' }
      for (const path of [`/imports/${id}/failures`, `/imports/${id}/failures.csv`, '/users.csv']) {
        expect((await request(server, maple, path)).status).toBe(200)
      }
      expect(await server.stop()).toBe(0)
      const log = server.lines.join('\n')
      // So that a log that was not written cannot pass.
      expect(log).toContain('"route":"/users"')
      expect(log).toContain(`"run_id":"${id}"`)
      expect(log).toMatch(/"request_id":"[\w-]{10,}"/)
      for (const secretValue of [
        ...Object.values(canaries),
        'canary-hook',
        secret,
        maple.token,
        maple.password,
      ]) {
        expect(log).not.toContain(secretValue)
      }
      const audit = readFileSync(join(server.dataFolder, 'state.db')).toString('latin1')
      expect(audit).not.toContain(canaries.accountPassword)
      expect(audit).not.toContain(canaries.csvPassword)
      expect(audit).not.toContain(maple.token)
    } finally {
      await server.stop()
      removeFolder(server.dataFolder)
    }
  })
})

const gibibyte = 1024 ** 3
const mostGrowthBytes = 64 * 1024 ** 2

/** The most memory that a process has had since it was last asked, in bytes (Linux). */
function peakMemory(pid: number): number {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return Number(peak) * 1024
}

const formHead = '--XX\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
const formEnd = '\r\n--XX--\r\n'

describe.skipIf(!existsSync('/proc/self/clear_refs'))('POST /imports', () => {
  test.each(['text/csv', 'multipart/form-data'])(
    'streams 1 GiB as %s into the store with at most 64 MiB more memory',
    { timeout: 120_000 },
    async (type) => {
      const server = await startServer()
      try {
        const maple = await addTenant(server, 'maple', { settleSeconds: 0 })
        const form = type === 'multipart/form-data'
        const [head, end] = form ? [formHead, formEnd] : ['', '']
        const post = (body: BodyInit, length: number) =>
          request(server, maple, '/imports', {
            method: 'POST',
            body,
            duplex: 'half',
            headers: {
              'content-type': form ? `${type}; boundary=XX` : type,
              'content-length': String(head.length + length + end.length),
            },
          })
        // A zip: the import knows it by its first bytes, and this is about its way in.
        const chunk = new Uint8Array(1024 ** 2).fill(0x50)
        chunk.set([0x50, 0x4b, 0x03, 0x04])
        const body = (chunks: number) => {
          let sent = 0
          const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
          return new ReadableStream<Uint8Array>({
            start: (controller) => (form ? controller.enqueue(bytesOf(head)) : undefined),
            pull(controller) {
              if (sent < chunks) controller.enqueue(chunk)
              else if (sent === chunks && form) controller.enqueue(bytesOf(end))
              else controller.close()
              sent += 1
            },
          })
        }
        // What the first import loads is not part of the growth.
        expect((await post(body(8), 8 * 1024 ** 2)).status).toBe(202)
        await outcomesOf(server, maple, 1)
        const pid = server.process.pid ?? 0
        peakMemory(pid)
        const before = peakMemory(pid)
        const answer = await post(body(1024), gibibyte)
        const growth = peakMemory(pid) - before
        expect(answer.status).toBe(202)
        expect(growth, `${Math.round(growth / 1024 ** 2)} MiB`).toBeLessThanOrEqual(mostGrowthBytes)
        const { sizeBytes } = (await answer.json()) as { sizeBytes: number }
        expect(sizeBytes).toBe(gibibyte)
      } finally {
        await server.stop()
        removeFolder(server.dataFolder)
      }
    },
  )
})
