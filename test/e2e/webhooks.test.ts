import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import SftpClient from 'ssh2-sftp-client'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { addTenant, request, withSftp } from '../support/client.ts'
import { removeFolder, runtimes, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'
import { startReceiver } from '../webhook/receiver.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 4_000; tries += 1) {
    if (condition()) return
    await pause(5)
  }
  throw new Error('what was waited for did not come in 20 seconds')
}

describe.each(runtimes)('webhooks of a server under %s', (runtime) => {
  async function started(dataFolder?: string): Promise<StartedServer> {
    const env = { WEBHOOK_NETWORKS: '127.0.0.0/8' }
    const at = dataFolder === undefined ? {} : { dataFolder }
    const server = await startServer({ runtime, env, ...at })
    ends.push(() => server.stop('SIGKILL'))
    return server
  }

  test('tell a real receiver of an import, signed, and of a cut upload though the server is killed at once', async () => {
    const receiver = await startReceiver()
    ends.push(() => receiver.stop())
    const first = await started()
    ends.push(() => removeFolder(first.dataFolder))
    const tenant = await addTenant(first, 'maple', { settleSeconds: 0 })
    const made = await request(first, tenant, '/webhooks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        url: receiver.url,
        events: ['import.completed', 'upload.incomplete'],
      }),
    })
    expect(made.status).toBe(201)
    const { secret } = (await made.json()) as { secret: string }

    await withSftp(first, tenant, (client) =>
      client.put(Buffer.from('UserUUID,email\nu-1,ada@maple.example\n'), '/users.csv'),
    )
    await until(() => receiver.received.length === 1)
    const [told] = receiver.received
    const headers = {
      'webhook-id': String(told?.headers['webhook-id']),
      'webhook-timestamp': String(told?.headers['webhook-timestamp']),
      'webhook-signature': String(told?.headers['webhook-signature']),
    }
    expect(new Verifier(secret).verify(told?.body ?? '', headers)).toMatchObject({
      type: 'import.completed',
      data: { filename: 'users.csv', state: 'completed', counts: { created: 1 } },
    })

    const client = new SftpClient()
    client.on('error', () => undefined)
    await client.connect({
      host: '127.0.0.1',
      port: first.sftpPort,
      username: tenant.login,
      password: tenant.password,
    })
    const body = new Readable({ read: () => undefined })
    body.push('UserUUID,email\nu-2,')
    void client.put(body, '/half.csv').catch(() => undefined)
    const files = join(first.dataFolder, 'files')
    const names = () =>
      existsSync(files) ? readdirSync(files, { recursive: true, encoding: 'utf8' }) : []
    await until(() => names().some((name) => name.includes('staging') && name.endsWith('half.csv')))
    await pause(300)
    void client.end().catch(() => undefined)
    await until(() => names().some((name) => name.endsWith('half.csv.incomplete')))
    await first.stop('SIGKILL')

    const second = await started(first.dataFolder)
    await until(() => receiver.received.length >= 2)
    // Long enough for a second word, were there one.
    await pause(500)
    const cut = receiver.received.slice(1).map(({ body: sent }) => JSON.parse(sent) as unknown)
    expect(cut).toMatchObject([{ type: 'upload.incomplete', data: { sizeBytes: 19 } }])
    expect((await request(second, tenant, '/livez')).status).toBe(200)
  })
})
