import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dropPath, incompleteName } from '../../src/domain/layout.ts'
import { launch, openTab, tooWide, widths } from '../support/browser.ts'
import type { Tab } from '../support/browser.ts'
import { withSftp } from '../support/client.ts'
import { peer } from '../support/peers.ts'
import { removeFolder, startServer, top } from '../support/server.ts'
import type { StartedServer } from '../support/server.ts'

const program = peer('chromium')

// The steps of one afternoon: each goes on where the one before has ended. Thirty screens take their time.
describe.skipIf(program === undefined)('the console in chromium', { timeout: 120_000 }, () => {
  let server: StartedServer
  let browser: Browser
  let tab: Tab
  let base: string
  let client: string

  beforeAll(async () => {
    // The browser first: when it does not come up, no server is left behind.
    browser = await launch(program ?? '')
    server = await startServer()
    base = `http://127.0.0.1:${server.httpPort}`
    tab = await openTab(browser, base)
  }, 120_000)
  afterAll(async () => {
    await browser.close()
    expect(await server.stop()).toBe(0)
    removeFolder(server.dataFolder)
  })

  const headings = (): Promise<string> => tab.page.locator('h1').innerText()

  /** Waits until the import of the page has ended, as a reader does: without a reload. */
  async function ended(state: string): Promise<void> {
    await tab.page.locator('#state', { hasText: state }).waitFor({ timeout: 15_000 })
  }

  async function confirm(label: string, note?: string): Promise<void> {
    const panel = tab.page.locator('details.action', { hasText: label })
    await panel.locator('summary').click()
    if (note !== undefined) await panel.locator('textarea').fill(note)
    await panel.getByRole('button', { name: `${label} now` }).click()
  }

  test('the link that the start prints signs in once', async () => {
    const line = server.lines.find((one) => one.includes('/console/link/')) ?? ''
    const link = line.trim()
    expect(link).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${server.httpPort}/console/link/rd_`))
    const answer = await tab.page.goto(link)
    expect(answer?.status()).toBe(200)
    await tab.page.getByRole('button', { name: 'Sign in' }).click()
    expect(await headings()).toBe('Imports')
    expect(await tab.inspect('imports-empty')).toEqual([])
    const again = await openTab(browser, base)
    await again.page.goto(link)
    await again.page.getByRole('button', { name: 'Sign in' }).click()
    expect(await again.page.locator('h1').innerText()).toBe('Not found')
    await again.context.close()
  })

  test('the first client is made on one page, and its first file turns it green by itself', async () => {
    const { page } = tab
    await page.getByRole('link', { name: 'Make a client' }).click()
    expect(await headings()).toBe('Make the first client')
    expect(await tab.inspect('new-client')).toEqual([])

    await page.getByLabel('Client', { exact: true }).fill('Maple College')
    await page.getByLabel('Time zone').fill('America/Toronto')
    await page.getByLabel('User types').fill('Student, Staff, Faculty, Visitor')
    await page.getByLabel('Reply-to Admin Email Address').fill('it@maple.example')
    await page.getByLabel('Failed Import Email').fill('hr@maple.example')
    await page.getByLabel('Login').fill('maple')
    await page.getByRole('button', { name: 'Make the client' }).click()
    expect(await headings()).toBe('Maple College is ready')
    const password = await page.locator('#password').innerText()
    expect(password).toMatch(/^\w{20}$/)
    expect(await page.locator('#line-2').innerText()).toBe(
      `sftp -P ${server.sftpPort} maple@127.0.0.1`,
    )
    expect(await page.locator('#fingerprint').innerText()).toBe(server.hostKeyFingerprint)
    expect(await tab.inspect('first-client')).toEqual([])
    expect(await page.locator('#recent').innerText()).toContain('Waiting for the first file')

    await withSftp(server, { login: 'maple', password, token: '' }, (sftp) =>
      sftp.put(join(top, 'examples', 'users.csv'), '/users.csv'),
    )
    await page.locator('#recent .banner.ok').waitFor({ timeout: 20_000 })
    expect(await page.locator('#recent').innerText()).toContain('users.csv, 12 rows')
    client = (await page.getByRole('link', { name: 'To the overview' }).getAttribute('href')) ?? ''
    await page.goto(`${client}/outbox`)
    await page.locator('#mails', { hasText: 'Sent' }).waitFor({ timeout: 15_000 })
    expect(tab.faults()).toEqual([])
  })

  test('a file is checked in the drop area, and then imported', async () => {
    const { page } = tab
    expect(await tab.inspect('drop', `${client}/drop`)).toEqual([])
    const csv = readFileSync(join(top, 'examples', 'users-with-failures.csv'), 'utf8')
    const dataTransfer = await page.evaluateHandle((text) => {
      const dragged = new DataTransfer()
      dragged.items.add(new File([text], 'users-with-failures.csv', { type: 'text/csv' }))
      return dragged
    }, csv)
    await page.dispatchEvent('.drop-area', 'drop', { dataTransfer })
    await page.waitForURL(/\/console\/imports\/run_/)
    await ended('With failures')
    await page.reload()
    expect(await page.locator('main').innerText()).toContain('Columns and first rows')
    expect(await tab.inspect('checked')).toEqual([])

    await confirm('Import this file')
    expect(await page.locator('.banner.ok').first().innerText()).toContain('taken to be imported')
    await ended('With failures')
    await page.reload()
    expect(await page.locator('td.bad').count()).toBeGreaterThan(5)
    expect(await tab.inspect('failures')).toEqual([])
    const all = await page.locator('tbody tr').count()
    await page.locator('.reasons a', { hasText: '9030' }).click()
    expect(await page.locator('.cells tbody tr').count()).toBeLessThan(all)
    const [report] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Failed rows', exact: true }).first().click(),
    ])
    expect(report.suggestedFilename()).toMatch(/^users-with-failures\.failed-.*\.csv$/)
    expect(readFileSync(await report.path(), 'utf8')).toContain('import_error_line')
    expect(tab.faults()).toEqual([])
  })

  test('a full file over the limit is held, and goes on when it is approved', async () => {
    const { page } = tab
    const rows = Array.from({ length: 80 }, (_, at) => `H${at},held${at}@maple.example`)
    const file = (name: string, count: number): string => {
      const path = join(server.dataFolder, name)
      writeFileSync(path, `UserUUID,email\n${rows.slice(0, count).join('\n')}\n`)
      return path
    }
    const drop = async (path: string): Promise<void> => {
      await page.goto(`${client}/drop?mode=full`)
      await page.locator('input[type=file]').setInputFiles(path)
      await page.getByRole('button', { name: 'Import without a check' }).click()
      await page.waitForURL(/\/console\/imports\/run_/)
    }
    await page.goto(`${client}/drop`)
    await page.locator('input[type=file]').setInputFiles(file('eighty.csv', 80))
    await page.getByRole('button', { name: 'Import without a check' }).click()
    await page.waitForURL(/\/console\/imports\/run_/)
    await ended('Completed')
    await drop(file('ten.csv', 10))
    await ended('Held')
    await page.reload()
    const absent = await page.getByRole('region', { name: 'Would be deactivated' }).innerText()
    expect(absent).toContain('amelie.tremblay@maple.example')
    expect(absent).not.toContain('held0@maple.example')
    expect(await tab.inspect('held-import')).toEqual([])
    expect(await tab.inspect('held', '/console/held')).toEqual([])
    await page.locator('h2 a', { hasText: 'ten.csv' }).click()
    await confirm('Approve', 'as agreed by phone')
    await ended('Completed')
    expect(await page.locator('#outcome').innerText()).toMatch(/Deactivated\s+\d\d/)
    await page.goto(`${client}/audit`)
    expect(await page.locator('main').innerText()).toContain('approve: as agreed by phone')
    expect(tab.faults()).toEqual([])
  })

  test('a user is found by its name and by how its email begins, with its changes by import', async () => {
    const { page } = tab
    expect(await tab.inspect('users', `${client}/users`)).toEqual([])
    for (const text of ['Tremblay, Am', 'AMELIE.']) {
      await page.getByLabel('Name, email, username or UserUUID').fill(text)
      await page.getByRole('button', { name: 'Find' }).click()
      expect(await page.locator('tbody tr').count(), text).toBe(1)
    }
    await page.locator('tbody a').click()
    expect(await headings()).toBe('Amélie Tremblay')
    const history = await page.locator('.timeline').innerText()
    expect(history).toMatch(/Changed by ten\.csv[^]*active\s+inactive[^]*Created by users\.csv/)
    expect(await tab.inspect('user')).toEqual([])
    expect(tab.faults()).toEqual([])
  })

  test('every other screen is well at both widths', async () => {
    const account = async (): Promise<string> => {
      await tab.page.goto(`${client}/accounts`)
      return (await tab.page.locator('tbody a').first().getAttribute('href')) ?? ''
    }
    const mail = async (): Promise<string> => {
      await tab.page.goto(`${client}/outbox`)
      return (await tab.page.locator('tbody a').first().getAttribute('href')) ?? ''
    }
    const webhook = async (): Promise<string> => {
      await tab.page.goto(`${client}/webhooks`)
      await tab.page.getByLabel('Address').fill('https://hr.maple.example/hook')
      await tab.page.getByRole('button', { name: 'Add the webhook' }).click()
      expect(await tab.page.locator('#shown-once').innerText()).toMatch(/^whsec_/)
      expect(await tab.inspect('webhook-secret')).toEqual([])
      await tab.page.goto(`${client}/webhooks`)
      return (
        (await tab.page.locator('main a[href*="/webhooks/"]').first().getAttribute('href')) ?? ''
      )
    }
    // As a client leaves it whose connection is lost.
    const cut = dropPath(client.split('/').at(-1) ?? '', '', incompleteName('students.csv'))
    writeFileSync(join(server.dataFolder, 'files', cut), 'x'.repeat(1_234_567))
    const screens: Record<string, string> = {
      imports: '/console/imports',
      clients: '/console/clients',
      client,
      accounts: `${client}/accounts`,
      account: await account(),
      settings: `${client}/settings`,
      values: `${client}/values`,
      outbox: `${client}/outbox`,
      mail: await mail(),
      incomplete: `${client}/incomplete`,
      webhooks: `${client}/webhooks`,
      webhook: await webhook(),
      format: '/console/format',
      tokens: `${client}/tokens`,
      audit: `${client}/audit`,
      server: '/console/server',
      'server-audit': '/console/server/audit',
      'server-tokens': '/console/server/tokens',
    }
    for (const [name, path] of Object.entries(screens)) {
      expect(await tab.inspect(name, path), name).toEqual([])
    }
    await tab.page.goto(`${client}/incomplete`)
    expect(await tab.page.locator('#incomplete').innerText()).toMatch(/students\.csv\s+1\.2 MB/)
    // ssh2-sftp-client tells of each lost connection.
    const told = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    for (const password of ['wrong', 'wronger', 'wrongest']) {
      const stranger = { login: 'maple', password, token: '' }
      await expect(withSftp(server, stranger, async () => undefined)).rejects.toThrow()
    }
    told.mockRestore()
    await tab.page.goto('/console/server')
    expect(await tab.page.locator('#penalties').innerText()).toContain('127.0.0.1')
    expect(await tab.inspect('server-penalties')).toEqual([])
    expect(tab.faults()).toEqual([])
    await tab.page.goto('/console/nowhere')
    expect(await headings()).toBe('Not found')
    expect(await tab.inspect('not-found')).toEqual([])
    tab.faults()
  })

  test('it fits on 320 and on 2,560 px, in the dark, and for who signs in', async () => {
    const { page } = tab
    for (const width of [320, 2560]) {
      await page.setViewportSize({ width, height: 900 })
      for (const path of ['/console/imports', client, `${client}/settings`]) {
        await page.goto(path)
        expect(await tooWide(page), `${path} at ${width}`).toBeLessThanOrEqual(0)
      }
    }
    const dark = await openTab(browser, base, { colorScheme: 'dark' })
    await dark.context.addCookies(await tab.context.cookies())
    for (const path of ['/console/imports', client]) {
      expect(await dark.inspect(`dark-${path.split('/').at(-1)?.slice(0, 8)}`, path)).toEqual([])
    }
    await dark.context.close()
    const nobody = await openTab(browser, base)
    expect(await nobody.inspect('sign-in', '/console/sign-in')).toEqual([])
    expect(nobody.faults()).toEqual([])
    await nobody.context.close()
  })

  test('on paper there is the content alone, and nothing moves for who wants no motion', async () => {
    const { page } = tab
    await page.goto(`${client}/settings`)
    const moves = (): Promise<boolean> =>
      page.evaluate(
        `[...document.querySelectorAll('*')].some((one) => {
          const { animationName, transitionDuration } = getComputedStyle(one)
          return animationName !== 'none' || !/^0s(, 0s)*$/.test(transitionDuration)
        })`,
      )
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    expect(await moves()).toBe(true)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await moves()).toBe(false)
    expect(await page.locator('.top').isVisible()).toBe(true)
    await page.emulateMedia({ media: 'print', reducedMotion: null })
    expect(await page.locator('.top').isVisible()).toBe(false)
    expect(await page.locator('main h1').isVisible()).toBe(true)
    await page.emulateMedia({ media: null })
  })

  test('the keyboard alone gets to the content, into a panel and out of it', async () => {
    const { page } = tab
    await page.setViewportSize({ width: widths[0], height: 900 })
    await page.goto('/console/imports')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').innerText()).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.locator(':focus').getAttribute('id')).toBe('main')
    await page.locator('.run a').first().focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/console\/imports\/run_/)
    await page.locator('details.action summary').first().focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('details.action[open]').count()).toBe(1)
    await page.keyboard.press('Escape')
    expect(await page.locator('details.action[open]').count()).toBe(0)
    expect(await page.locator(':focus').evaluate((element) => element.tagName)).toBe('SUMMARY')
  })

  test('without JavaScript everything is there to read, and an action works', async () => {
    const plain = await openTab(browser, base, { javaScriptEnabled: false })
    await plain.context.addCookies(await tab.context.cookies())
    const { page } = plain
    await page.goto('/console/imports')
    await page
      .locator('.run', { hasText: 'users-with-failures.csv', hasNotText: 'Check only' })
      .locator('a')
      .click()
    const text = await page.locator('main').innerText()
    for (const word of ['What happened', 'Failed rows', 'Import again', '9030']) {
      expect(text).toContain(word)
    }
    await page.locator('details.action summary', { hasText: 'Import again' }).click()
    await page.getByRole('button', { name: 'Import again now' }).click()
    expect(await page.locator('.banner.ok').first().innerText()).toContain('imported again')
    await page.getByRole('button', { name: 'Sign out' }).click()
    expect(await page.locator('h1').innerText()).toBe('Sign in')
    await plain.context.close()
    await tab.page.goto('/console/imports')
    expect(await headings()).toBe('Sign in')
  })
})
