import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { top } from './server.ts'

const output = join(top, 'test', 'output', 'console')

/** Findings of axe that fail a test. */
const grave = ['critical', 'serious', 'moderate']

interface Finding {
  id: string
  impact: string | null
  nodes: { html: string }[]
}

/** A tab whose faults are kept: errors of the console, exceptions, breaches of the content policy. */
export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors since the last call. */
  faults(): string[]
  /** Shows `path` at both widths: a screenshot of each, and what is wrong with it by axe or by its width. */
  inspect(name: string, path?: string): Promise<string[]>
}

export async function launch(executablePath: string): Promise<Browser> {
  mkdirSync(output, { recursive: true })
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
    ],
  })
}

/** Pixels by which the page is wider than the screen. */
export function tooWide(page: Page): Promise<number> {
  return page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
}

export const widths = [1280, 375] as const

/** A new tab on `base`, with cookies of its own. */
export async function openTab(
  browser: Browser,
  base: string,
  options: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<Tab> {
  const context = await browser.newContext({ baseURL: base, reducedMotion: 'reduce', ...options })
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`)
    })
  })
  const page = await context.newPage()
  let faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))

  async function findings(where: string): Promise<string[]> {
    // Half a megabyte: once a page.
    if (!(await page.evaluate(`typeof axe === 'object'`))) await page.evaluate(axe.source)
    const found = await page.evaluate<Finding[]>(
      `axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) => violations)`,
    )
    return found
      .filter(({ impact }) => grave.includes(impact ?? ''))
      .map(({ id, impact, nodes }) => `${where}: ${impact} ${id}: ${nodes[0]?.html ?? ''}`)
  }

  return {
    page,
    context,
    faults() {
      const seen = faults
      faults = []
      return seen
    },
    async inspect(name, path) {
      const problems: string[] = []
      if (path !== undefined) {
        const answer = await page.goto(path)
        if (answer?.status() !== 200) problems.push(`${name}: answered ${answer?.status()}`)
      }
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 })
        await page.screenshot({ path: join(output, `${name}-${width}.png`), fullPage: true })
        const wider = await tooWide(page)
        if (wider > 0) problems.push(`${name} at ${width}: ${wider} px wider than the screen`)
        problems.push(...(await findings(`${name} at ${width}`)))
      }
      return problems
    },
  }
}
