import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { startHaproxy } from '../support/haproxy.ts'
import type { Haproxy } from '../support/haproxy.ts'
import { peer } from '../support/peers.ts'
import { removeFolder, runtimes, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const haproxy = peer('haproxy')
const curl = peer('curl')

// The proxy has the same ports as the server, at another address of loopback, as Fly's proxy and a machine have.
const inner = '127.0.0.2'
// Below the ports that systems give out by themselves.
const firstPort = (near: number): number => near + 10 * Math.floor(Math.random() * 500)
const base = { node: 10_000, deno: 15_000 } as const

describe.skipIf(haproxy === undefined || curl === undefined)(
  'behind haproxy in the place of Fly',
  () => {
    describe.each(runtimes)('under %s', (runtime) => {
      let server: StartedServer
      let proxy: Haproxy
      let tenant: TestTenant
      /** The server as clients reach it. */
      let outside: StartedServer

      beforeAll(async () => {
        const first = firstPort(base[runtime])
        server = await startServer({
          runtime,
          env: {
            HOST: inner,
            PROXY_PROTOCOL: 'true',
            FTPS_PASSIVE_PORTS: `${first}-${first + 9}`,
            FTPS_PASSIVE_HOST: inner,
          },
        })
        const outer = { sftpPort: first + 10, ftpsPort: first + 11, ftpsImplicitPort: first + 12 }
        outside = { ...server, ...outer }
        proxy = await startHaproxy(haproxy ?? '', inner, [
          { ports: String(outer.sftpPort), to: server.sftpPort },
          { ports: String(outer.ftpsPort), to: server.ftpsPort },
          { ports: String(outer.ftpsImplicitPort), to: server.ftpsImplicitPort },
          { ports: `${first}-${first + 9}`, to: first },
        ])
        tenant = await addTenant(server)
      }, 60_000)
      afterAll(async () => {
        await proxy.stop()
        await server.stop()
        removeFolder(server.dataFolder)
      })

      test('SFTP goes through', async () => {
        const names = await withSftp(outside, tenant, async (client) => {
          await client.put(Buffer.from('by sftp'), '/sftp.csv.part')
          return (await client.list('/')).map(({ name }) => name)
        })
        expect(names).toContain('sftp.csv.part')
      })

      test.each(['explicit', 'implicit'] as const)(
        'FTPS, %s: many transfers at once on one inner port are told apart by the port they were sent to',
        async (secure) => {
          const numbers = Array.from({ length: 6 }, (_, n) => n)
          const found = await Promise.all(
            numbers.map((n) =>
              withFtps(outside, tenant, secure, async (client) => {
                const name = `${secure}-${n}.csv.part`
                await client.uploadFrom(Readable.from([`content ${n}\n`.repeat(50_000)]), name)
                return {
                  listed: (await client.list()).some((entry) => entry.name === name),
                  size: await client.size(name),
                }
              }),
            ),
          )
          expect(found).toEqual(numbers.map(() => ({ listed: true, size: 500_000 })))
        },
      )

      test('the address of the client counts, not that of the proxy', async () => {
        const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-proxy-'))
        const local = join(folder, 'from.csv.part')
        writeFileSync(local, 'content')
        const url = `ftp://127.0.0.1:${outside.ftpsPort}/from.csv.part`
        const login = ['--user', `${tenant.login}:${tenant.password}`, '--ssl-reqd', '--insecure']
        const upload = spawnSync(
          curl ?? '',
          ['-sS', '--interface', '127.0.0.7', ...login, '-T', local, url],
          { encoding: 'utf8' },
        )
        expect(upload.stderr).toBe('')
        removeFolder(folder)
        const token = await server.cli('token', 'create', '--operator', 'audit')
        const secret = /\(shown this once\): (\S+)/.exec(token)?.[1] ?? ''
        const answer = await fetch(`http://127.0.0.1:${server.httpPort}/audit?limit=100`, {
          headers: { authorization: `Bearer ${secret}` },
        })
        const { data } = (await answer.json()) as { data: unknown[] }
        const stored = { event: 'CLOSE', address: '127.0.0.7', path: '/from.csv.part' }
        expect(data).toContainEqual(expect.objectContaining(stored))
      })

      test('who comes around the proxy, without its header, hears nothing', async () => {
        for (const port of [server.sftpPort, server.ftpsPort, server.ftpsImplicitPort]) {
          const socket = connect(port, inner)
          let heard = ''
          socket.on('data', (chunk) => (heard += String(chunk)))
          socket.write('SSH-2.0-around\r\nUSER maple\r\n')
          await once(socket, 'close')
          expect(heard).toBe('')
        }
      })
    })
  },
)
