import { join } from 'node:path'
import { Hono } from 'hono'
import { createApp } from '../src/app.ts'
import { systemClock } from '../src/clock.ts'
import { openState } from '../src/db/sqlite/state.ts'
import { newId } from '../src/domain/id.ts'
import { defaultSettings } from '../src/domain/tenant.ts'
import { defaultLimits } from '../src/drop/limits.ts'
import { createPenalties } from '../src/drop/penalty.ts'
import { serveHttp } from '../src/http.ts'
import { readMail } from '../src/mail/read.ts'
import { createLog } from '../src/observe/log.ts'
import { createMetrics } from '../src/observe/metrics.ts'
import { newToken } from '../src/secret.ts'
import { memoryDriver } from '../storage/memory.ts'
import { runOf, storingImporter } from '../test/routes/client.ts'

const storedRuns = 5_000

/** The real app on a state database on disk, with logging as it ships. */
async function rosterdrop(folder: string) {
  const clock = systemClock
  const state = openState(join(folder, 'state.db'))
  const tenantId = newId('tenant', clock)
  const empty = { settingsVersion: 1, userTypes: [], loginSources: [], createdAt: clock.now() }
  await state.tenants.create({
    id: tenantId,
    name: 'Maple',
    settings: { ...defaultSettings },
    ...empty,
  })
  const { token, hash } = newToken(clock)
  const times = { createdAt: clock.now(), expiresAt: null, lastUsedAt: null, revokedAt: null }
  const id = newId('token', clock)
  await state.tokens.create({ id, tenantId, scope: 'tenant', name: 'bench', hash, ...times })
  let runId = ''
  for (let count = 0; count < storedRuns; count += 1) {
    runId = newId('run', clock)
    const at = clock.now()
    const over = { createdAt: at, startedAt: at, finishedAt: at, archivedAt: at }
    const columns = ['UserUUID', 'email', 'username', 'firstName', 'lastName', 'userType']
    const reasons = [{ code: 9033, count: 36 }]
    await state.runs.create(
      runOf({ id: runId, tenantId, state: 'completed', columns, reasons, ...over }),
    )
  }
  const { files } = memoryDriver()
  const app = createApp({
    state,
    files,
    clock,
    importer: storingImporter({ state, files, clock }),
    log: createLog({ level: 'info' }),
    metrics: createMetrics({
      activeRuns: () => state.runs.activeCounts(),
      oldestMail: async () => 0,
      penalties: () => 0,
      freeBytes: async () => undefined,
    }),
    penalties: createPenalties({ clock, limits: defaultLimits }),
    openUsers: async () => undefined,
    hashPassword: async () => '',
    checks: [],
    console: {
      doors: () => ({
        host: null,
        sftpPort: 22,
        ftpsPort: 21,
        ftpsImplicitPort: 990,
        hostKeyFingerprint: '',
      }),
      mailHost: 'bench.example',
      onMail: () => undefined,
      readMail,
    },
  })
  return { app, token, runId }
}

/** A bare Hono app that gives the same bytes from memory. */
function bare(bytes: Record<string, { text: string; etag: string }>) {
  const app = new Hono()
  for (const [path, { text, etag }] of Object.entries(bytes)) {
    app.get(path.replace(/\?.*/, ''), (context) => {
      if (context.req.header('if-none-match') === etag && etag !== '')
        return context.body(null, 304)
      return context.body(text, 200, { 'content-type': 'application/json' })
    })
  }
  return { app, token: '', runId: '' }
}

const [side, folder = '', given = '{}'] = process.argv.slice(2)
const bytes = JSON.parse(given) as Record<string, { text: string; etag: string }>
const { app, token, runId } = side === 'bare' ? bare(bytes) : await rosterdrop(folder)
const { port } = await serveHttp(app, { host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ port, token, runId })}\n`)
process.on('SIGTERM', () => process.exit(0))
