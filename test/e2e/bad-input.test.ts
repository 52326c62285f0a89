import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, runsOf, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { removeFolder, runtimes, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

describe.each(runtimes)('bad input under %s', (runtime) => {
  let server: StartedServer
  let tenant: TestTenant
  let dropped = 0

  beforeAll(async () => {
    server = await startServer({ runtime })
    tenant = await addTenant(server, 'maple', { settleSeconds: 0 })
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })

  /** Drops a file over SFTP and waits for its outcome. */
  async function outcomeOf(name: string, content: string | Buffer) {
    await withSftp(server, tenant, (client) => client.put(Buffer.from(content), `/${name}`))
    dropped += 1
    const runs = await outcomesOf(server, tenant, dropped)
    const run = runs.find(({ filename }) => filename === name)
    if (run === undefined) throw new Error(`no run of ${name}`)
    return run
  }

  test('a wrong password is refused over SFTP and FTPS, and tells nothing of the server', async () => {
    const wrong = { ...tenant, password: 'not the password' }
    await expect(withSftp(server, wrong, (client) => client.list('/'))).rejects.toThrow(/auth/i)
    await expect(withFtps(server, wrong, 'explicit', (client) => client.list())).rejects.toThrow(
      /^530 /,
    )
  })

  test('a name with .. stays inside the drop folder', async () => {
    const listed = await withSftp(server, tenant, async (client) => {
      expect(await client.realPath('/../../..')).toBe('/')
      await client.put(Buffer.from('x'), '/../../outside.txt.part')
      const names = (await client.list('/')).map(({ name }) => name)
      await client.delete('/outside.txt.part')
      return names
    })
    expect(listed).toContain('outside.txt.part')
    await expect(
      withSftp(server, tenant, (client) => client.get('/../../../../etc/passwd')),
    ).rejects.toThrow(/^get: Cannot find /)
  })

  test('a file that is not a CSV is rejected whole, by name of what it is, and a note in bak/ stands for it', async () => {
    const workbook = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(200, 7)])
    const run = await outcomeOf('workbook.csv', workbook)
    expect(run).toMatchObject({ state: 'failed', fileReason: { code: 9109 } })
    expect(run.fileReason?.sentence).toMatch(/Excel|zip/)
    expect(run.mail).toBe('sent')
    const note = await withSftp(server, tenant, async (client) => {
      const [found] = await client.list('/bak', ({ name }) =>
        /^workbook\..*\.rejected\.csv$/.test(name),
      )
      const bytes = await client.get(`/bak/${found?.name}`)
      return Buffer.isBuffer(bytes) ? bytes.toString() : ''
    })
    expect(note).toMatch(
      /^This file was not kept: "workbook.csv", 204 bytes, SHA-256 [0-9a-f]{64}\. .* drop it again\.\r\n$/,
    )
  })

  test('a CSV without an identifying column is rejected whole', async () => {
    const run = await outcomeOf('nobody.csv', 'firstName,lastName\nAda,Lovelace\n')
    expect(run).toMatchObject({
      state: 'failed',
      fileReason: { code: 9102 },
      counts: { created: 0 },
    })
  })

  test('a CSV with two columns for one field is rejected whole', async () => {
    const run = await outcomeOf('twice.csv', 'email,E-mail\na@maple.example,b@maple.example\n')
    expect(run).toMatchObject({ state: 'failed', fileReason: { code: 9103 } })
    expect(run.fileReason?.sentence).toContain('E-mail')
  })

  test('a row with three faults is reported with all three, and the others are imported', async () => {
    const long = 'x'.repeat(51)
    const run = await outcomeOf(
      'faults.csv',
      `UserUUID,email,firstName,userType\nu-1,good@maple.example,Ada,Student\nu-2,not an address,${long},Wizard\n`,
    )
    expect(run).toMatchObject({
      state: 'completed_with_failures',
      counts: { rows: 2, created: 1, failed: 1 },
    })
    const report = await (await request(server, tenant, `/imports/${run.id}/failures.csv`)).text()
    const codes = /"([\d;]+)"/.exec(report.split('\r\n')[1]?.slice(4) ?? '')?.[1]?.split(';')
    expect(codes?.length).toBe(3)
    expect(codes).toEqual(expect.arrayContaining(['9030']))
  })

  test('requests without a token, with a made-up one, or for an unknown import get a problem', async () => {
    const none = await fetch(`http://127.0.0.1:${server.httpPort}/imports`)
    expect(none.status).toBe(401)
    expect(none.headers.get('content-type')).toContain('application/problem+json')
    const made = await request(server, { token: 'rd_made-up' }, '/imports')
    expect(made.status).toBe(401)
    const unknown = await request(
      server,
      tenant,
      '/imports/run_00000000-0000-7000-8000-000000000000',
    )
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ status: 404, title: expect.any(String) })
  })

  test('the server still lives, and no client sees the files or runs of another', async () => {
    const other = await addTenant(server, 'oak', { settleSeconds: 0 })
    expect(await runsOf(server, other)).toEqual([])
    const [mine] = await runsOf(server, tenant)
    expect((await request(server, other, `/imports/${mine?.id}`)).status).toBe(404)
    await withSftp(server, other, async (client) => {
      expect(await client.list('/')).toEqual([])
      await client.put(Buffer.from('email\nx@oak.example\n'), '/users.csv')
    })
    const [run] = await outcomesOf(server, other, 1)
    expect(run).toMatchObject({ state: 'completed', counts: { created: 1 } })
  })
})
