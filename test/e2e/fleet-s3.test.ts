import { setTimeout as pause } from 'node:timers/promises'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { simpleParser } from 'mailparser'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeBucket, s3Client, s3Server } from '../support/bucket.ts'
import type { TestBucket } from '../support/bucket.ts'
import { outcomesOf, request, runsOf, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { createFleet } from '../support/fleet.ts'
import type { Fleet } from '../support/fleet.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import type { Runtime, StartedServer } from '../support/server.ts'
import { startReceiver } from '../support/smtp-receiver.ts'
import type { Receiver } from '../support/smtp-receiver.ts'

const programs = postgresPrograms()

const rows = (of: string, first: number, count: number): string =>
  'UserUUID,email,firstName\n' +
  Array.from(
    { length: count },
    (_, n) => `${of}-${first + n},user${first + n}@${of}.example,First${n}\n`,
  ).join('')

const nth = <T>(items: readonly T[], index: number): T => {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('there are none')
  return item
}

describe.skipIf(programs === undefined || s3Server === undefined)(
  'several processes on one database and one bucket',
  () => {
    let cluster: Cluster
    let bucket: TestBucket
    let fleet: Fleet
    let receiver: Receiver

    beforeAll(async () => {
      cluster = await startPostgres(programs ?? '')
    })
    afterAll(() => cluster.remove())
    beforeEach(async () => {
      bucket = await makeBucket()
      receiver = await startReceiver()
      fleet = await createFleet(cluster, {
        SMTP_URL: receiver.url,
        STORAGE_URL: bucket.url,
        AWS_ENDPOINT_URL_S3: s3Server?.endpoint ?? '',
        AWS_ACCESS_KEY_ID: s3Server?.credentials.accessKeyId ?? '',
        AWS_SECRET_ACCESS_KEY: s3Server?.credentials.secretAccessKey ?? '',
        AWS_REGION: 'us-east-1',
      })
    })
    afterEach(async () => {
      await fleet.remove()
      await receiver.stop()
      await bucket.remove()
    })

    async function objects(part: string): Promise<string[]> {
      const client = s3Client()
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket.name }))
      client.destroy()
      return Contents.map(({ Key = '' }) => Key).filter((key) => key.includes(part))
    }

    const put = (server: StartedServer, tenant: TestTenant, name: string, text: string) =>
      withSftp(server, tenant, (client) => client.put(Buffer.from(text), `/${name}`))
    const usersOf = (): number => Number(cluster.sql(fleet.url, 'SELECT count(*) FROM users'))

    test.each<{ what: string; runtimes: readonly Runtime[] }>([
      { what: 'two servers, one of them under Deno', runtimes: ['node', 'deno'] },
      { what: 'four servers under both', runtimes: ['node', 'deno', 'node', 'deno'] },
    ])(
      '$what, import each file once and mail each report once, by any door',
      { timeout: 120_000 },
      async ({ runtimes }) => {
        const tenants = await fleet.tenants(['ash', 'birch', 'cedar'])
        // Put beside the service: the sweep of all of them takes it once.
        const first = cluster.sql(fleet.url, "SELECT id FROM tenants WHERE name = 'ash'")
        const client = s3Client()
        await client.send(
          new PutObjectCommand({
            Bucket: bucket.name,
            Key: `drop/${first}/beside.csv`,
            Body: rows('ash', 500, 20),
          }),
        )
        client.destroy()
        const servers = await Promise.all(runtimes.map((runtime) => fleet.start({ runtime })))
        await Promise.all(
          tenants.map(async (tenant, index) => {
            await put(nth(servers, index), tenant, 'one.csv', rows(tenant.login, 0, 100))
            const posted = await request(
              nth(servers, index + 1),
              tenant,
              '/imports?filename=two.csv',
              {
                method: 'POST',
                headers: { 'content-type': 'text/csv' },
                body: `${rows(tenant.login, 100, 50)}${tenant.login}-bad,no address,First\n`,
              },
            )
            expect(posted.status).toBe(202)
          }),
        )
        for (const [index, tenant] of tenants.entries()) {
          const names = ['one.csv', 'two.csv', ...(index === 0 ? ['beside.csv'] : [])]
          const server = nth(servers, index + 1)
          const runs = await outcomesOf(server, tenant, names.length, 60_000)
          expect(runs.map(({ filename }) => filename).toSorted()).toEqual(names.toSorted())
          expect(runs.find(({ filename }) => filename === 'two.csv')).toMatchObject({
            state: 'completed_with_failures',
            counts: { rows: 51, created: 50, failed: 1 },
            mail: 'sent',
          })
          expect(await runsOf(nth(servers, index), tenant)).toHaveLength(names.length)
          const shown = await withSftp(nth(servers, index + 1), tenant, (sftp) => sftp.list('/bak'))
          expect(shown).toHaveLength(names.length)
        }
        expect(usersOf()).toBe(3 * 150 + 20)
        expect(await objects('/bak/')).toHaveLength(7)
        expect(await objects('work/')).toEqual([])
        expect(receiver.received).toHaveLength(3)
        const ids = await Promise.all(
          receiver.received.map(
            async ({ raw }) => (await simpleParser(Buffer.from(raw))).messageId,
          ),
        )
        expect(new Set(ids).size).toBe(3)
        for (const server of servers) expect(await server.stop()).toBe(0)
        const ended = servers.map(
          ({ lines }) => lines.filter((line) => line.includes('"msg":"import ended"')).length,
        )
        expect(ended.reduce((sum, count) => sum + count, 0)).toBe(7)
      },
    )

    test(
      'a worker that is killed in mid-import is replaced within 30 seconds, by one under Deno',
      { timeout: 120_000 },
      async () => {
        const [tenant] = await fleet.tenants(['maple'])
        if (tenant === undefined) throw new Error('there is no tenant')
        const [door, worker] = await Promise.all([
          fleet.start({ env: { ROLE: 'ingest' } }),
          fleet.start({ env: { ROLE: 'worker', ROSTERDROP_CRASH_POINT: 'after-batch' } }),
        ])
        await put(door, tenant, 'large.csv', rows('maple', 0, 60_000))
        while (worker.process.signalCode === null) await pause(50)
        expect(worker.process.signalCode).toBe('SIGKILL')
        const killed = Date.now()
        await fleet.start({ runtime: 'deno', env: { ROLE: 'worker' } })
        const [run] = await outcomesOf(door, tenant, 1, 60_000)
        expect(Date.now() - killed).toBeLessThan(30_000)
        expect(run).toMatchObject({
          state: 'completed',
          counts: { rows: 60_000, created: 60_000, failed: 0 },
        })
        expect(usersOf()).toBe(60_000)
        expect(await objects('/bak/')).toHaveLength(1)
        expect(await objects('work/')).toEqual([])
      },
    )
  },
)
