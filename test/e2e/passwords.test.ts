import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTenant, outcomesOf, request, withSftp } from '../support/client.ts'
import type { ShownRun, TestTenant } from '../support/client.ts'
import { removeFolder, runtimes, startServer } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const canary = 'Canary-Word-4711'
const header = 'UserUUID,email,password,city\n'
const user = (n: number, city = 'Hull'): string => `u${n},p${n}@x.ca,${canary}-${n},${city}\n`
const users = header + Array.from({ length: 20 }, (_, n) => user(n)).join('')
const failing = `${header}${user(30, 'x'.repeat(51))}u31,nobody,${canary},"open\nu32,${canary}\n${user(33)}`

/** What is posted, and the state that it ends in; several for one that may be faster than its cancellation. */
const posts: Readonly<Record<string, { content: string; query?: string; states: string[] }>> = {
  'good.csv': { content: users, states: ['completed'] },
  'failing.csv': { content: failing, states: ['completed_with_failures'] },
  'dry.csv': { content: failing, query: '&dryRun=true', states: ['completed_with_failures'] },
  'full.csv': { content: header + user(1), query: '&mode=full', states: ['held'] },
  'two.csv': { content: `email,E-mail,password\na@x.ca,b@x.ca,${canary}\n`, states: ['failed'] },
  'headless.csv': { content: `u1,Ada,${canary},Active\n`, states: ['failed'] },
  'list.csv': { content: `[{"email":"a@x.ca","password":"${canary}"}]`, states: ['failed'] },
  'cut.csv': { content: `${header}u50,c@x.ca,${canary}`, states: ['failed'] },
  'gone.csv': { content: users, states: ['cancelled', 'completed', 'duplicate'] },
}

describe.each(runtimes)('passwords under %s', (runtime) => {
  let server: StartedServer
  let tenant: TestTenant
  const runs = new Map<string, ShownRun>()

  beforeAll(async () => {
    server = await startServer({ runtime, env: { LOG_LEVEL: 'debug' } })
    tenant = await addTenant(server, 'maple', { settleSeconds: 0 })
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(server.dataFolder)
  })

  /** Files of the data folder with the canary in them. */
  const holding = (): string[] =>
    readdirSync(server.dataFolder, { recursive: true, encoding: 'utf8' }).filter((name) => {
      const path = join(server.dataFolder, name)
      return statSync(path).isFile() && readFileSync(path).includes(canary)
    })

  test('are in no answer of the HTTP interface, however their import ends', async () => {
    const post = { method: 'POST', headers: { 'content-type': 'text/csv' } }
    for (const [name, { content, query = '' }] of Object.entries(posts)) {
      const path = `/imports?filename=${name}${query}`
      const answer = await request(server, tenant, path, { ...post, body: content })
      expect(answer.status).toBe(202)
      const run = (await answer.json()) as ShownRun
      if (name === 'gone.csv') await request(server, tenant, `/imports/${run.id}/cancel`, post)
      await outcomesOf(server, tenant, runs.size + 1)
      const shown = await request(server, tenant, `/imports/${run.id}`)
      runs.set(name, (await shown.json()) as ShownRun)
      expect(posts[name]?.states).toContain(runs.get(name)?.state)
    }
    let bytes = 0
    for (const { id } of runs.values()) {
      for (const part of ['', '/failures', '/failures.csv', '/source.csv', '/events']) {
        // A held run goes on to be told about; its file is not given out before somebody has decided.
        const ends = AbortSignal.timeout(1_000)
        const answer = await request(server, tenant, `/imports/${id}${part}`, { signal: ends })
        if (answer.status === 404) continue
        const text = await answer.text().catch(() => '')
        bytes += text.length
        expect({ id, part, text: text.includes(canary) ? text : '' }).toMatchObject({ text: '' })
      }
    }
    for (const path of [
      '/imports',
      '/users',
      '/users.csv',
      '/users/changes',
      '/audit',
      '/outbox',
    ]) {
      const text = await (await request(server, tenant, path)).text()
      bytes += text.length
      expect({ path, text: text.includes(canary) ? text : '' }).toMatchObject({ text: '' })
    }
    expect(bytes).toBeGreaterThan(10_000)
  }, 60_000)

  test('are in no file of the data folder and no line of the log, but in a held file until it is decided', async () => {
    const held = runs.get('full.csv')?.id ?? ''
    expect(holding()).toEqual([
      join('files', 'work', String(holding()[0]).split('/')[2] ?? '', held),
    ])
    const answer = await request(server, tenant, `/imports/${held}/reject`, { method: 'POST' })
    expect(answer.status).toBe(200)
    // What a client gets by SFTP is on the disk as it is.
    const listed = await withSftp(server, tenant, (client) => client.list('/bak'))
    expect(listed.length).toBeGreaterThan(7)
    expect(await server.stop()).toBe(0)
    expect(holding()).toEqual([])
    expect(server.lines.filter((line) => line.includes(canary))).toEqual([])
    expect(server.lines.length).toBeGreaterThan(30)
  }, 30_000)
})
