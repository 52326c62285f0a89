import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { parse } from 'csv-parse/sync'
import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, withFtps, withSftp } from '../support/client.ts'
import type { TestTenant } from '../support/client.ts'
import { removeFolder, runtimes, startServer, top } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const good = readFileSync(join(top, 'examples', 'users.csv'))
const withFailures = readFileSync(join(top, 'examples', 'users-with-failures.csv'))

function mailsIn(dataFolder: string): Buffer[] {
  const folder = join(dataFolder, 'files', 'mail')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(folder, name)))
}

describe.each(runtimes)('the main job under %s', (runtime) => {
  let server: StartedServer
  let tenant: TestTenant

  beforeAll(async () => {
    server = await startServer({ runtime })
    tenant = await addTenant(server)
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })

  test('a file with bad rows dropped over SFTP gives users, bak/, failed/ and a mail with the report', async () => {
    await withSftp(server, tenant, (client) => client.put(withFailures, '/users-with-failures.csv'))
    const [run] = await outcomesOf(server, tenant, 1)
    expect(run).toMatchObject({ state: 'completed_with_failures', source: 'sftp', mail: 'sent' })
    const { rows, created, updated, unchanged, skipped, failed } = run?.counts ?? {}
    expect(failed).toBeGreaterThan(3)
    expect(created).toBeGreaterThan(3)
    expect(rows).toBe(
      (created ?? 0) + (updated ?? 0) + (unchanged ?? 0) + (skipped ?? 0) + (failed ?? 0),
    )

    const listed = await withSftp(server, tenant, async (client) => ({
      root: (await client.list('/')).map(({ name }) => name).sort(),
      bak: (await client.list('/bak')).map(({ name }) => name),
      failed: (await client.list('/failed')).map(({ name }) => name),
    }))
    expect(listed.root).toEqual(['bak', 'failed'])
    expect(listed.bak).toEqual([
      expect.stringMatching(/^users-with-failures\.\d{8}T\d{6}Z-[0-9a-f]{8}\.csv$/),
    ])
    expect(listed.failed).toEqual([
      expect.stringMatching(/^users-with-failures\.failed-\d{8}T\d{6}Z-[0-9a-f]{8}\.csv$/),
    ])

    const [eml, ...more] = mailsIn(server.dataFolder)
    expect(more).toEqual([])
    const mail = await simpleParser(eml ?? '')
    expect(mail.from?.value).toEqual([expect.objectContaining({ address: 'it@maple.example' })])
    expect(mail.subject).toBe(`users-with-failures.csv: ${failed} of ${rows} rows failed`)
    const attached = mail.attachments[0]
    expect(attached?.filename).toBe(listed.failed[0])
    const answer = await request(server, tenant, `/imports/${run?.id}/failures.csv`)
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(attached?.content)
    const report: string[][] = parse(attached?.content ?? '', {
      bom: true,
      relax_column_count: true,
    })
    expect(report[0]?.slice(0, 4)).toEqual([
      'import_error_line',
      'import_error_codes',
      'import_error_fields',
      'import_error_reason',
    ])
    expect(report).toHaveLength((failed ?? 0) + 1)
  })

  test('a good file dropped over FTPS with AUTH TLS is imported whole', async () => {
    await withFtps(server, tenant, 'explicit', (client) =>
      client.uploadFrom(Readable.from([good]), 'users.csv'),
    )
    const [run] = await outcomesOf(server, tenant, 2)
    expect(run).toMatchObject({ filename: 'users.csv', state: 'completed', source: 'ftps' })
    expect(run?.counts['failed']).toBe(0)
    expect((run?.counts['created'] ?? 0) + (run?.counts['updated'] ?? 0)).toBeGreaterThan(0)
  })

  test('the same rows over implicit FTPS change nothing', async () => {
    await withFtps(server, tenant, 'implicit', (client) =>
      client.uploadFrom(Readable.from([Buffer.concat([good, Buffer.from('\r\n')])]), 'again.csv'),
    )
    const [run] = await outcomesOf(server, tenant, 3)
    expect(run).toMatchObject({ filename: 'again.csv', state: 'completed' })
    expect(run?.counts).toMatchObject({ created: 0, updated: 0, failed: 0 })
    expect(run?.counts['unchanged']).toBe(run?.counts['rows'])
  })

  test('a file by HTTP is answered 202 with its run', async () => {
    const answer = await request(server, tenant, '/imports?filename=http.csv', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: 'email,firstName,lastName\nada@maple.example,Ada,Lovelace\n',
    })
    expect(answer.status).toBe(202)
    const location = answer.headers.get('location') ?? ''
    expect(location).toMatch(/^\/imports\/run_/)
    const runs = await outcomesOf(server, tenant, 4)
    const run = runs.find(({ filename }) => filename === 'http.csv')
    expect(`/imports/${run?.id}`).toBe(location)
    expect(run).toMatchObject({ source: 'http', state: 'completed', counts: { created: 1 } })
  })

  test('the report, corrected and dropped again as it is, imports the rows that had failed', async () => {
    // A client of its own: its failure mail need not wait for the first client's five minutes to pass.
    const birch = await addTenant(server, 'birch')
    const text = 'UserUUID,email,userType\nu-900,ok@maple.example,Student\nu-901,,Studnet\n'
    await withSftp(server, birch, (client) => client.put(Buffer.from(text), '/two.csv'))
    const runs = await outcomesOf(server, birch, 1)
    const run = runs.find(({ filename }) => filename === 'two.csv')
    expect(run?.counts).toMatchObject({ rows: 2, created: 1, failed: 1 })
    const report = await (await request(server, birch, `/imports/${run?.id}/failures.csv`)).text()
    expect(report).toContain('Studnet')
    const corrected = Buffer.from(report.replace(',"Studnet"', ',"Student"'))
    await withSftp(server, birch, (client) => client.put(corrected, '/two corrected.csv'))
    const after = await outcomesOf(server, birch, 2)
    expect(after.find(({ filename }) => filename === 'two corrected.csv')).toMatchObject({
      state: 'completed',
      counts: { rows: 1, created: 1, failed: 0 },
    })
  })
})
