import { join } from 'node:path'
import { Hono } from 'hono'
import { systemClock } from '../src/clock.ts'
import { openDirectoryReader } from '../src/db/sqlite/directory.ts'
import { openState } from '../src/db/sqlite/state.ts'
import { newId } from '../src/domain/id.ts'
import { serveHttp } from '../src/http.ts'
import { createLog } from '../src/observe/log.ts'
import { newToken } from '../src/secret.ts'
import { runOf } from '../test/routes/client.ts'
import { addClient, benchApp, fillUsers } from './app.ts'

const storedRuns = 5_000
const storedUsers = 1_000_000

/** The real app on a state database on disk, with logging as it ships. */
async function rosterdrop(folder: string) {
  const clock = systemClock
  const state = openState(join(folder, 'state.db'))
  const tenantId = newId('tenant', clock)
  await addClient(state, tenantId, 'Maple')
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
  const file = join(folder, 'directory.db')
  await fillUsers(file, tenantId, storedUsers)
  const reader = openDirectoryReader(file)
  const log = createLog({ level: 'info' })
  const app = benchApp({ state, log, openUsers: async () => reader })
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
