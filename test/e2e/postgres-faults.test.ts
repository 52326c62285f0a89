import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSession } from '../../src/db/postgres/connect.ts'
import type { Session } from '../../src/db/postgres/connect.ts'
import { outcomesOf, request, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { createFleet } from '../support/fleet.ts'
import type { Fleet } from '../support/fleet.ts'
import { postgresPrograms, startPostgres } from '../support/postgres.ts'
import type { Cluster } from '../support/postgres.ts'
import type { StartedServer } from '../support/server.ts'

const programs = postgresPrograms()
// More than two batches of 50,000.
const many = 120_000
const file = Buffer.from(
  'UserUUID,email,firstName\n' +
    Array.from({ length: many }, (_, n) => `u-${n},user${n}@lime.example,First${n}\n`).join(''),
)

async function until(what: string, condition: () => Promise<boolean> | boolean, seconds = 40) {
  const end = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not come in ${seconds} seconds`)
    await pause(50)
  }
}

async function statusOf(server: StartedServer, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${server.httpPort}${path}`)).status
}

describe.skipIf(programs === undefined)('a database that fails', () => {
  let cluster: Cluster
  let fleet: Fleet
  let tenant: TestTenant
  let server: StartedServer

  async function begin(settings: Record<string, number> = {}): Promise<void> {
    cluster = await startPostgres(programs ?? '', settings)
    fleet = await createFleet(cluster)
    const [added] = await fleet.tenants(['lime'])
    if (added === undefined) throw new Error('there is no tenant')
    tenant = added
    server = await fleet.start()
  }
  const put = (name: string, bytes: Buffer) =>
    withSftp(server, tenant, (client) => client.put(bytes, `/${name}`))
  const committed = (): number => Number(cluster.sql(fleet.url, 'SELECT count(*) FROM users'))

  afterEach(async () => {
    await fleet.remove()
    await cluster.remove()
  })

  describe('with room', () => {
    beforeEach(() => begin())

    test(
      'stopped in mid-import it is told by /readyz, and the import goes on from its last batch',
      { timeout: 120_000 },
      async () => {
        await put('users.csv', file)
        await until('the first batch', () => committed() > 0)
        await cluster.stop('immediate')
        await until('the red light', async () => (await statusOf(server, '/readyz')) === 503)
        expect(await statusOf(server, '/livez')).toBe(200)
        const refused = await request(server, tenant, '/imports')
        expect(refused.status).toBe(503)
        await expect(put('lost.csv', Buffer.from('email\na@lime.example\n'))).rejects.toThrow()
        await cluster.start()
        await until('the green light', async () => (await statusOf(server, '/readyz')) === 200)
        const [run, ...others] = await outcomesOf(server, tenant, 1, 60_000)
        expect(others).toEqual([])
        expect(run).toMatchObject({
          state: 'completed',
          counts: { rows: many, created: many, failed: 0 },
        })
        expect(committed()).toBe(many)
        await put('later.csv', Buffer.from('email\nb@lime.example\n'))
        expect(await outcomesOf(server, tenant, 2)).toHaveLength(2)
        expect(await server.stop()).toBe(0)
      },
    )

    test(
      'connections cut again and again lose and double nothing',
      { timeout: 120_000 },
      async () => {
        const other = await fleet.start()
        await put('users.csv', file)
        for (let cuts = 0; cuts < 3; cuts += 1) {
          await pause(700)
          cluster.sql(
            fleet.url,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'rosterdrop%'",
          )
        }
        // What was sent before the client had read that its connection is gone is lost: whether it was done nobody
        // can tell, so it is not sent again. Nothing but that is said, and nothing once a new connection has answered.
        const statuses: number[] = []
        while (statuses.filter((status) => status === 200).length < 20) {
          statuses.push((await request(other, tenant, '/imports')).status)
          expect(statuses.length).toBeLessThan(100)
        }
        const refused = statuses.indexOf(200)
        expect(statuses.slice(0, refused).every((status) => status === 503)).toBe(true)
        expect(statuses.slice(refused).every((status) => status === 200)).toBe(true)
        const [run] = await outcomesOf(other, tenant, 1, 90_000)
        expect(run).toMatchObject({
          state: 'completed',
          counts: { rows: many, created: many, failed: 0 },
        })
        expect(committed()).toBe(many)
        expect(await server.stop()).toBe(0)
        expect(await other.stop()).toBe(0)
      },
    )
  })

  test(
    'a start that fails ends, whatever connections to the database it has opened',
    { timeout: 60_000 },
    async () => {
      await begin()
      await expect(fleet.start({ env: { HTTP_PORT: String(server.httpPort) } })).rejects.toThrow(
        /ended with 1 before it was ready:[^]*EADDRINUSE/,
      )
      expect(await statusOf(server, '/readyz')).toBe(200)
    },
  )

  test(
    'with no connection left it keeps the file until there is one',
    { timeout: 120_000 },
    async () => {
      await begin({ max_connections: 20, superuser_reserved_connections: 0 })
      // The pool has its connections by now; an import needs one more.
      await put('first.csv', Buffer.from('email\na@lime.example\n'))
      await outcomesOf(server, tenant, 1)
      const hogs: Session[] = []
      try {
        for (;;) hogs.push(await openSession(fleet.url, { name: 'hog' }))
      } catch (error) {
        expect(String(error)).toMatch(/too many clients|connection/)
      }
      expect(hogs.length).toBeGreaterThan(3)
      await put('second.csv', Buffer.from('email\nb@lime.example\n'))
      await until('the import that cannot begin', () =>
        server.lines.some((line) => line.includes('"msg":"import interrupted"')),
      )
      await Promise.all(hogs.map((hog) => hog.end()))
      const runs = await outcomesOf(server, tenant, 2, 60_000)
      expect(runs.map(({ state, counts }) => `${state} ${counts['created']}`)).toEqual([
        'completed 1',
        'completed 1',
      ])
    },
  )
})
