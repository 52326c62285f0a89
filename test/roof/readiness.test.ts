import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkAll } from '../../routes/health.ts'
import { systemClock } from '../../src/clock.ts'
import { openState } from '../../src/db/sqlite/state.ts'
import { readinessChecks } from '../../src/readiness.ts'
import { serveHttp } from '../../src/http.ts'
import { memoryDriver } from '../../storage/memory.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-readiness-'))
const state = openState(':memory:')
beforeAll(() => writeFileSync(join(folder, 'cert.pem'), 'no certificate'))
afterAll(async () => {
  await state.close()
  rmSync(folder, { recursive: true, force: true })
})

type Listeners = Record<string, { isListening(): boolean }>

async function notWell(listeners: Listeners | undefined): Promise<string[]> {
  const checks = readinessChecks({
    state,
    files: memoryDriver().files,
    clock: systemClock,
    certFile: join(folder, 'cert.pem'),
    listeners: () => listeners,
  })
  return (await checkAll(checks)).filter(({ ok }) => !ok).map(({ name }) => name)
}

const up = { isListening: () => true }

test('listeners are well while each of them takes connections', async () => {
  expect(await notWell({ sftp: up, ftps: up, http: up })).not.toContain('listeners')
})

test('one listener that takes none is not well, nor are all before the start and in the stop', async () => {
  for (const name of ['sftp', 'ftps', 'http']) {
    const deaf = { sftp: up, ftps: up, http: up, [name]: { isListening: () => false } }
    expect(await notWell(deaf), name).toContain('listeners')
  }
  expect(await notWell(undefined)).toContain('listeners')
})

test('a listener tells by itself that its socket was closed', async () => {
  const http = await serveHttp(new Hono(), { host: '127.0.0.1', port: 0 })
  expect(await notWell({ http })).not.toContain('listeners')
  await http.stop(100)
  expect(await notWell({ http })).toContain('listeners')
})

test('a certificate that cannot be read is not well', async () => {
  expect(await notWell({})).toContain('TLS certificate')
})
