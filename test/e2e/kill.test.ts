import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import SftpClient from 'ssh2-sftp-client'
import { afterEach, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, runsOf, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { removeFolder, runtimes, startServer, top } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const header = 'UserUUID,email,firstName,lastName\n'
const row = (n: number) => `u-${n},user${n}@maple.example,First${n},Last${n}\n`
const rows = (count: number) =>
  header + Array.from({ length: count }, (_, index) => row(index)).join('')

/** A body that sends `parts` and then stays open for ever. */
function stalled(parts: string[]): Readable {
  const body = new Readable({ read: () => undefined })
  for (const part of parts) body.push(part)
  return body
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await condition()) return
    await pause(25)
  }
  throw new Error('what was waited for did not come in 10 seconds')
}

/** Whether an upload that has not ended is there, with this many bytes on the disk. */
function isStaged(server: StartedServer, leastBytes: number): boolean {
  const folder = join(server.dataFolder, 'files')
  if (!existsSync(folder)) return false
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('staging') && !/\.target$|\/ahead-/.test(name))
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
    .some((found) => found?.isFile() === true && found.size >= leastBytes)
}

/** Starts an SFTP upload of `name` that never ends. */
async function openUpload(server: StartedServer, tenant: TestTenant, name: string) {
  const client = new SftpClient()
  client.on('error', () => undefined)
  await client.connect({
    host: '127.0.0.1',
    port: server.sftpPort,
    username: tenant.login,
    password: tenant.password,
  })
  const ended = client.put(stalled([rows(50)]), name).then(
    () => 'stored',
    () => 'refused',
  )
  await until(() => isStaged(server, 1))
  return { client, ended }
}

const running: StartedServer[] = []
const folders = new Set<string>()
async function started(options: Parameters<typeof startServer>[0]): Promise<StartedServer> {
  const server = await startServer(options)
  running.push(server)
  folders.add(server.dataFolder)
  return server
}
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop('SIGKILL')
  for (const folder of folders) removeFolder(folder)
  folders.clear()
})

describe.each(runtimes)('a server under %s', (runtime) => {
  test('killed in mid-upload imports no half file after a restart, and the upload can be resumed', async () => {
    const first = await started({ runtime })
    const tenant = await addTenant(first, 'maple', { settleSeconds: 0 })
    const upload = await openUpload(first, tenant, '/half.csv')
    await first.stop('SIGKILL')
    expect(await upload.ended).toBe('refused')

    const second = await started({ runtime, dataFolder: first.dataFolder })
    await withSftp(second, tenant, async (client) => {
      expect((await client.list('/')).map(({ name }) => name)).toEqual(['half.csv.incomplete'])
      await client.put(Buffer.from(rows(3)), '/whole.csv')
    })
    const runs = await outcomesOf(second, tenant, 1)
    expect(runs.map(({ filename }) => filename)).toEqual(['whole.csv'])
    expect(runs[0]).toMatchObject({ state: 'completed', counts: { rows: 3, created: 3 } })
  })

  test('stopped by SIGTERM in mid-upload exits 0 and keeps the bytes as incomplete', async () => {
    const first = await started({ runtime, env: { STOP_GRACE_SECONDS: '1' } })
    const tenant = await addTenant(first, 'maple', { settleSeconds: 0 })
    const upload = await openUpload(first, tenant, '/half.csv')
    expect(await first.stop('SIGTERM')).toBe(0)
    expect(await upload.ended).toBe('refused')

    const second = await started({ runtime, dataFolder: first.dataFolder })
    const names = await withSftp(second, tenant, (client) => client.list('/'))
    expect(names.map(({ name }) => name)).toEqual(['half.csv.incomplete'])
    expect(await runsOf(second, tenant)).toEqual([])
  })

  test('killed in mid-import goes on after a restart: every user once, one mail, one archived file', async () => {
    const count = 60_000
    const first = await started({ runtime })
    const tenant = await addTenant(first, 'maple', { settleSeconds: 0 })
    await withSftp(first, tenant, (client) => client.put(Buffer.from(rows(count)), '/many.csv'))
    await until(async () => {
      const [run] = await runsOf(first, tenant)
      return run !== undefined && ['parsing', 'applying'].includes(run.state)
    })
    await first.stop('SIGKILL')

    const second = await started({ runtime, dataFolder: first.dataFolder })
    const [run, ...more] = await outcomesOf(second, tenant, 1)
    expect(more).toEqual([])
    expect(run).toMatchObject({ state: 'completed', counts: { rows: count, failed: 0 } })
    expect((run?.counts['created'] ?? 0) + (run?.counts['unchanged'] ?? 0)).toBe(count)
    expect(run?.counts['created']).toBe(count)

    // The same rows again, with other bytes: were a user missing or there twice, this would not be all unchanged.
    await withSftp(second, tenant, (client) =>
      client.put(Buffer.from(`${rows(count)}\n`), '/2.csv'),
    )
    const after = await outcomesOf(second, tenant, 2)
    expect(after.find(({ filename }) => filename === '2.csv')?.counts).toMatchObject({
      rows: count,
      unchanged: count,
    })
    const bak = await withSftp(second, tenant, (client) => client.list('/bak'))
    expect(bak).toHaveLength(2)
  })

  test('a client killed in mid-upload leaves nothing to import, over SFTP and over FTPS', async () => {
    const server = await started({ runtime })
    const tenant = await addTenant(server, 'maple', { settleSeconds: 0 })
    const upload = await openUpload(server, tenant, '/sftp.csv')
    await upload.client.end()
    await until(() => !isStaged(server, 0))

    const script = `
      import { Client } from 'basic-ftp'
      import { Readable } from 'node:stream'
      const client = new Client()
      await client.access({ host: '127.0.0.1', port: ${server.ftpsPort}, user: '${tenant.login}',
        password: '${tenant.password}', secure: true, secureOptions: { rejectUnauthorized: false } })
      client.trackProgress(({ bytes }) => bytes > 0 && console.log('sent'))
      const body = new Readable({ read() {} })
      body.push(${JSON.stringify(rows(50))})
      await client.uploadFrom(body, 'ftps.csv')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: top })
    // The few bytes are gathered in the server's memory until the upload ends: only the client can tell.
    await once(child.stdout, 'data')
    await pause(500)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const names = () =>
      withFtps(server, tenant, 'explicit', async (client) =>
        (await client.list()).map(({ name }) => name).sort(),
      )
    await until(async () => (await names()).length === 2)
    expect(await names()).toEqual(['ftps.csv.incomplete', 'sftp.csv.incomplete'])
    // Whatever were to be imported would be by the time that a later file is.
    await withSftp(server, tenant, (client) => client.put(Buffer.from(rows(3)), '/whole.csv'))
    const runs = await outcomesOf(server, tenant, 1)
    expect(runs.map(({ filename }) => filename)).toEqual(['whole.csv'])
    expect(await runsOf(server, tenant)).toHaveLength(1)
    expect((await request(server, tenant, '/livez')).status).toBe(200)
  })
})
