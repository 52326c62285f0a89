import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeBucket, s3Server } from '../support/bucket.ts'
import type { TestBucket } from '../support/bucket.ts'
import { addTenant, outcomesOf, request, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { busy, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { removeFolder, runtimes, startServer, top } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const withFailures = readFileSync(join(top, 'examples', 'users-with-failures.csv'))
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(s3Server === undefined)('with its files in a bucket', () => {
  describe.each(runtimes)('the server under %s', (runtime) => {
    let proxy: FaultProxy
    let bucket: TestBucket
    let server: StartedServer
    let tenant: TestTenant

    beforeAll(async () => {
      proxy = await startFaultProxy(s3Server?.endpoint ?? '')
      bucket = await makeBucket()
      // The names that Fly sets for a bucket of Tigris.
      server = await startServer({
        runtime,
        env: {
          BUCKET_NAME: bucket.name,
          AWS_ENDPOINT_URL_S3: proxy.endpoint,
          AWS_ACCESS_KEY_ID: s3Server?.credentials.accessKeyId ?? '',
          AWS_SECRET_ACCESS_KEY: s3Server?.credentials.secretAccessKey ?? '',
          AWS_REGION: 'auto',
        },
      })
      tenant = await addTenant(server, 'maple', { settleSeconds: 0 })
    })
    afterAll(async () => {
      proxy.decide = () => 'none'
      expect(await server.stop()).toBe(0)
      await proxy.close()
      await bucket.remove()
      removeFolder(server.dataFolder)
    })

    const names = (folder: string): Promise<string[]> =>
      withSftp(server, tenant, async (client) =>
        (await client.list(folder)).map(({ name }) => name).toSorted(),
      )

    const ready = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${server.httpPort}/readyz`)).status

    test('a file with bad rows gives users, bak/, failed/ and a mail with the report', async () => {
      await withSftp(server, tenant, (client) => client.put(withFailures, '/users.csv'))
      const [run] = await outcomesOf(server, tenant, 1)
      expect(run).toMatchObject({ state: 'completed_with_failures', mail: 'sent' })
      expect(await names('/')).toEqual(['bak', 'failed'])
      expect(await names('/bak')).toHaveLength(1)
      const [report = ''] = await names('/failed')
      const [bySftp, byHttp] = await Promise.all([
        withSftp(server, tenant, (client) => client.get(`/failed/${report}`)),
        request(server, tenant, `/imports/${run?.id}/failures.csv`),
      ])
      expect(bySftp).toEqual(Buffer.from(await byHttp.arrayBuffer()))
    })

    test('a large file comes back whole over SFTP and FTPS, and is gone when it is deleted', async () => {
      const content = randomBytes(11_000_001)
      await withSftp(server, tenant, (client) => client.put(content, '/large.csv.part'))
      const local = join(server.dataFolder, 'back.csv')
      await withSftp(server, tenant, (client) => client.fastGet('/large.csv.part', local))
      expect(digest(readFileSync(local))).toBe(digest(content))
      const size = await withFtps(server, tenant, 'explicit', async (client) => {
        const found = await client.size('large.csv.part')
        await client.remove('large.csv.part')
        return found
      })
      expect(size).toBe(content.length)
      expect(await names('/')).not.toContain('large.csv.part')
    })

    test('while the bucket is away, uploads are refused and /readyz tells; then all goes on by itself', async () => {
      const good = readFileSync(join(top, 'examples', 'users.csv'))
      const before = (await names('/bak')).length
      proxy.decide = () => ({ status: 403, code: 'AccessDenied' })
      await expect(
        withSftp(server, tenant, (client) => client.put(good, '/refused.csv')),
      ).rejects.toThrow()
      expect(await ready()).toBe(503)
      const alive = await fetch(`http://127.0.0.1:${server.httpPort}/livez`)
      expect(alive.status).toBe(200)
      proxy.decide = () => 'none'
      for (let tries = 0; (await ready()) !== 200 && tries < 100; tries += 1) await pause(100)
      expect(await ready()).toBe(200)
      expect(await names('/')).not.toContain('refused.csv')
      await withSftp(server, tenant, (client) => client.put(good, '/accepted.csv'))
      const runs = await outcomesOf(server, tenant, 2)
      expect(runs.map(({ filename }) => filename)).not.toContain('refused.csv')
      expect(await names('/bak')).toHaveLength(before + 1)
    })

    // It waits ten seconds before it tries again: under one runtime is enough.
    if (runtime !== 'node') return
    test('an import that the bucket fails in its middle is done in the end, once', async () => {
      const rows = Array.from(
        { length: 3_000 },
        (_, n) => `First${n},Last${n},mid${n}@maple.example,Student`,
      )
      const file = Buffer.from(`First Name,Last Name,Email,User Type\r\n${rows.join('\r\n')}\r\n`)
      let faults = 0
      // Reading the work copy fails for longer than one request tries.
      proxy.decide = ({ method = '', url = '' }) => {
        const hit = method === 'GET' && url.includes('/work/') && faults < 6
        if (hit) faults += 1
        return hit ? busy : 'none'
      }
      const before = (await outcomesOf(server, tenant, 2)).length
      await withSftp(server, tenant, (client) => client.put(file, '/middle.csv'))
      const runs = await outcomesOf(server, tenant, before + 1, 60_000)
      expect(faults).toBe(6)
      const middle = runs.filter(({ filename }) => filename === 'middle.csv')
      expect(middle).toMatchObject([{ state: 'completed', counts: { created: 3_000, failed: 0 } }])
    })
  })
})
