import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { outcomesOf, request, runsOf, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { createFleet } from '../support/fleet.ts'
import type { Fleet } from '../support/fleet.ts'
import { libraryOfFaketime } from '../support/peers.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import type { StartedServer } from '../support/server.ts'
import { startReceiver } from '../support/smtp-receiver.ts'

const programs = postgresPrograms()
const faketime = libraryOfFaketime()

const header = 'UserUUID,email,firstName,lastName\n'
const row = (n: number, of: string) => `${of}-${n},user${n}@${of}.example,First${n},Last${n}\n`
const rows = (of: string, first: number, count: number) =>
  header + Array.from({ length: count }, (_, index) => row(first + index, of)).join('')

async function until(what: string, condition: () => Promise<boolean> | boolean, seconds = 30) {
  const end = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not come in ${seconds} seconds`)
    await pause(50)
  }
}

const inTurn = <T>(items: readonly T[], index: number): T => {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('there are none')
  return item
}

/** When the server says that it was ready, by its own clock. */
function readyTime({ lines }: StartedServer): number {
  const ready = lines.find((line) => line.includes('"msg":"ready"')) ?? '{}'
  return new Date((JSON.parse(ready) as { time: string }).time).getTime()
}

describe.skipIf(programs === undefined)('several processes on one database', () => {
  let cluster: Cluster
  const fleets: Fleet[] = []

  beforeAll(async () => {
    cluster = await startPostgres(programs ?? '')
  })
  afterEach(async () => {
    for (const fleet of fleets.splice(0)) await fleet.remove()
  })
  afterAll(() => cluster.remove())

  async function fleetOf(env: Record<string, string> = {}): Promise<Fleet> {
    const fleet = await createFleet(cluster, env)
    fleets.push(fleet)
    return fleet
  }

  async function put(server: StartedServer, tenant: TestTenant, name: string, text: string) {
    await withSftp(server, tenant, (client) => client.put(Buffer.from(text), `/${name}`))
  }

  const usersOf = (fleet: Fleet): number =>
    Number(cluster.sql(fleet.url, 'SELECT count(*) FROM users'))

  test(
    'four servers import each file once and mail each report once',
    { timeout: 120_000 },
    async () => {
      const receiver = await startReceiver()
      const fleet = await fleetOf({ SMTP_URL: receiver.url })
      const names = ['ash', 'birch', 'cedar', 'elm', 'fir']
      const tenants = await fleet.tenants(names)
      const servers = await Promise.all([1, 2, 3, 4].map(() => fleet.start()))
      // Three files of each client, by different doors of different servers; the last has rows that fail.
      await Promise.all(
        tenants.map(async (tenant, index) => {
          const of = tenant.login
          await put(inTurn(servers, index), tenant, 'one.csv', rows(of, 0, 200))
          await withFtps(inTurn(servers, index + 1), tenant, 'explicit', async (client) => {
            const { Readable } = await import('node:stream')
            await client.uploadFrom(Readable.from([rows(of, 200, 100)]), 'two.csv')
          })
          const posted = await request(
            inTurn(servers, index + 2),
            tenant,
            '/imports?filename=three.csv',
            {
              method: 'POST',
              headers: { 'content-type': 'text/csv' },
              body: `${rows(of, 300, 50)}${of}-bad,no address,First,Last\n`,
            },
          )
          expect(posted.status).toBe(202)
        }),
      )
      for (const [index, tenant] of tenants.entries()) {
        const runs = await outcomesOf(inTurn(servers, index + 3), tenant, 3, 60_000)
        expect(runs.map(({ filename }) => filename).toSorted()).toEqual([
          'one.csv',
          'three.csv',
          'two.csv',
        ])
        expect(runs.find(({ filename }) => filename === 'three.csv')).toMatchObject({
          state: 'completed_with_failures',
          counts: { rows: 51, created: 50, failed: 1 },
          mail: 'sent',
        })
        expect(await runsOf(inTurn(servers, index), tenant)).toHaveLength(3)
      }
      expect(usersOf(fleet)).toBe(5 * 350)
      expect(fleet.files('/bak/')).toHaveLength(15)
      expect(receiver.received).toHaveLength(5)
      const ids = await Promise.all(
        receiver.received.map(async ({ raw }) => (await simpleParser(Buffer.from(raw))).messageId),
      )
      expect(new Set(ids).size).toBe(5)
      for (const server of servers) expect(await server.stop()).toBe(0)
      // More than one of them had work to do.
      const ended = servers.map(
        ({ lines }) => lines.filter((line) => line.includes('"msg":"import ended"')).length,
      )
      expect(ended.reduce((sum, count) => sum + count, 0)).toBe(15)
      expect(ended.filter((count) => count > 0).length).toBeGreaterThan(1)
      await receiver.stop()
    },
  )

  test(
    'one sweep for all: a file put beside the service is imported once, a strange one is told once',
    { timeout: 90_000 },
    async () => {
      const fleet = await fleetOf()
      const [tenant] = await fleet.tenants(['oak'])
      if (tenant === undefined) throw new Error('there is no tenant')
      const id = cluster.sql(fleet.url, 'SELECT id FROM tenants')
      const first = await fleet.start({ env: { ROLE: 'ingest' } })
      const storage = new URL(first.env['STORAGE_URL'] ?? '').pathname
      mkdirSync(`${storage}/drop/${id}`, { recursive: true })
      writeFileSync(`${storage}/drop/${id}/beside.csv`, rows('oak', 0, 20))
      writeFileSync(`${storage}/drop/${id}/picture.png`, 'no table')
      const others = await Promise.all([1, 2, 3].map(() => fleet.start()))
      const runs = await outcomesOf(first, tenant, 2, 60_000)
      expect(runs.map(({ filename, state }) => `${filename} ${state}`).toSorted()).toEqual([
        'beside.csv completed',
        'picture.png failed',
      ])
      expect(usersOf(fleet)).toBe(20)
      expect(cluster.sql(fleet.url, "SELECT count(*) FROM outbox WHERE kind = 'rejected'")).toBe(
        '1',
      )
      expect(others).toHaveLength(3)
    },
  )

  test(
    'a worker that is killed in mid-import is replaced within 30 seconds, and the doors are other processes',
    { timeout: 120_000 },
    async () => {
      const fleet = await fleetOf()
      const [tenant] = await fleet.tenants(['maple'])
      if (tenant === undefined) throw new Error('there is no tenant')
      const door = await fleet.start({ env: { ROLE: 'ingest' } })
      const worker = await fleet.start({
        env: { ROLE: 'worker', ROSTERDROP_CRASH_POINT: 'after-batch' },
      })
      expect(worker.sftpPort).toBe(0)
      expect(door.sftpPort).toBeGreaterThan(0)
      // More than a batch of 50,000 rows: the worker dies behind the first.
      await put(door, tenant, 'large.csv', rows('maple', 0, 60_000))
      await until('the end of the worker', () => worker.process.signalCode !== null, 60)
      expect(worker.process.signalCode).toBe('SIGKILL')
      const killed = Date.now()
      const heir = await fleet.start({ env: { ROLE: 'worker' } })
      const [run] = await outcomesOf(door, tenant, 1, 60_000)
      expect(Date.now() - killed).toBeLessThan(30_000)
      expect(run).toMatchObject({
        state: 'completed',
        counts: { rows: 60_000, created: 60_000, failed: 0 },
      })
      expect(usersOf(fleet)).toBe(60_000)
      expect(await runsOf(heir, tenant)).toHaveLength(1)
    },
  )

  test(
    'a claim whose process dies before the move is taken over, with the right bytes',
    { timeout: 90_000 },
    async () => {
      const fleet = await fleetOf()
      const [tenant] = await fleet.tenants(['pine'])
      if (tenant === undefined) throw new Error('there is no tenant')
      const door = await fleet.start({ env: { ROLE: 'ingest' } })
      const dying = await fleet.start({
        env: { ROLE: 'worker', ROSTERDROP_CRASH_POINT: 'after-claim' },
      })
      await put(door, tenant, 'users.csv', rows('pine', 0, 10))
      await until('the end of the worker', () => dying.process.signalCode !== null)
      // The next file of the same name, while the claimed one still lies there.
      await put(door, tenant, 'users.csv', rows('pine', 10, 5))
      await fleet.start({ env: { ROLE: 'worker' } })
      const runs = await outcomesOf(door, tenant, 2, 60_000)
      expect(runs.map(({ counts }) => counts['created']).toSorted((a = 0, b = 0) => a - b)).toEqual(
        [5, 10],
      )
      expect(usersOf(fleet)).toBe(15)
    },
  )

  test(
    'settings, penalties and the host key are the same in all of them',
    { timeout: 90_000 },
    async () => {
      const fleet = await fleetOf()
      const [tenant] = await fleet.tenants(['alder'])
      if (tenant === undefined) throw new Error('there is no tenant')
      const [one, other] = await Promise.all([fleet.start(), fleet.start()])
      expect(one.hostKeyFingerprint).toBe(other.hostKeyFingerprint)

      const before = await request(one, tenant, '/settings')
      const changed = await request(one, tenant, '/settings', {
        method: 'PATCH',
        headers: {
          'content-type': 'application/json',
          'if-match': before.headers.get('etag') ?? '',
        },
        body: JSON.stringify({ archiveDays: 7 }),
      })
      expect(changed.status).toBe(200)
      expect(await (await request(other, tenant, '/settings')).json()).toMatchObject({
        archiveDays: 7,
      })

      for (let tries = 0; tries < 6; tries += 1) {
        await expect(
          withSftp(one, { ...tenant, password: 'wrong password' }, (client) => client.list('/')),
        ).rejects.toThrow()
      }
      // Until it has heard of it, a busy server may refuse for reasons of its own.
      const refuses = async (server: StartedServer): Promise<boolean> => {
        const refused = await withSftp(server, tenant, (client) => client.list('/')).then(
          () => false,
          () => true,
        )
        return (
          refused &&
          server.lines.some((line) => line.includes('too many failed logins from this address'))
        )
      }
      await until('the refusal by the other server', () => refuses(other))
      // One that starts later has not heard of it.
      const late = await fleet.start()
      await until('the refusal by the late server', () => refuses(late))
    },
  )

  test(
    'a cancel reaches the process that imports, though its listener was cut when it was said',
    { timeout: 90_000 },
    async () => {
      const fleet = await fleetOf()
      const [tenant] = await fleet.tenants(['hazel'])
      if (tenant === undefined) throw new Error('there is no tenant')
      const [door] = await Promise.all([
        fleet.start({ env: { ROLE: 'ingest' } }),
        fleet.start({ env: { ROLE: 'worker' } }),
      ])
      const many = 200_000
      await put(door, tenant, 'large.csv', rows('hazel', 0, many))
      await until(
        'the first rows',
        async () => (await runsOf(door, tenant))[0]?.state === 'applying',
      )
      cluster.sql(
        fleet.url,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'rosterdrop signals'",
      )
      const [running] = await runsOf(door, tenant)
      const asked = await request(door, tenant, `/imports/${running?.id}/cancel`, {
        method: 'POST',
      })
      expect(asked.status).toBeLessThan(300)
      const [run] = await outcomesOf(door, tenant, 1, 60_000)
      expect(run?.state).toBe('cancelled')
      expect(usersOf(fleet)).toBeLessThan(many)
    },
  )

  test.skipIf(faketime === undefined)(
    'clocks that are five minutes apart lose and double nothing',
    { timeout: 120_000 },
    async () => {
      const fleet = await fleetOf()
      const tenants = await fleet.tenants(['rowan', 'sorb'])
      const ahead = {
        env: { LD_PRELOAD: faketime ?? '', FAKETIME: '+5m', DONT_FAKE_MONOTONIC: '1' },
      }
      const [right, fast] = await Promise.all([fleet.start(), fleet.start(ahead)])
      expect(readyTime(fast) - readyTime(right)).toBeGreaterThan(4 * 60_000)
      for (let n = 0; n < 4; n += 1) {
        await Promise.all(
          tenants.map((tenant, index) =>
            put(
              inTurn([right, fast], n + index),
              tenant,
              `file${n}.csv`,
              rows(tenant.login, n * 10, 10),
            ),
          ),
        )
      }
      for (const tenant of tenants) {
        const runs = await outcomesOf(right, tenant, 4, 60_000)
        expect(runs).toHaveLength(4)
        for (const { state, counts } of runs) {
          expect(state).toBe('completed')
          expect(counts['created']).toBe(10)
        }
      }
      expect(usersOf(fleet)).toBe(80)
      expect(await right.stop()).toBe(0)
      expect(await fast.stop()).toBe(0)
    },
  )
})
