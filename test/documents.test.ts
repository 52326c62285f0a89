import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const top = join(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: top }).toSorted()
const read = (page: string): string => readFileSync(join(top, page), 'utf8')
const lines = (page: string): number => read(page).trimEnd().split('\n').length

/** The anchor that a heading gets: lower case, no punctuation, hyphens for spaces. */
function anchors(page: string): string[] {
  const headings = read(page).matchAll(/^#+ (.+)$/gm)
  return Array.from(headings, ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(page: string): string[] {
  const links = read(page).matchAll(/\]\(([^)\s]+)\)/g)
  return Array.from(links, ([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? page : join(dirname(page), file)
      if (!existsSync(join(top, target))) return true
      return anchor !== undefined && !anchors(target).includes(anchor)
    })
    .map((link) => `${page} → ${link}`)
}

describe('the documents', () => {
  test('every link leads to a file, and every anchor to a heading', () => {
    expect(pages.flatMap(brokenLinks)).toEqual([])
    expect(pages.length).toBeGreaterThan(15)
  })

  test('README.md is short enough to be read and shows both commands first', () => {
    expect(lines('README.md')).toBeLessThanOrEqual(120)
    const [, first = ''] = read('README.md').split('```')
    expect(
      first
        .trim()
        .split('\n')
        .map((line) => line.split('#')[0]?.trim()),
    ).toEqual(['npm run demo', 'npm test'])
  })

  test('every promise of README.md links to its test', () => {
    const [, section = ''] = read('README.md').split('## Promises')
    const rows = (section.split('\n## ')[0] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('| '))
    const promises = rows.slice(1)
    expect(promises.filter((row) => !/\]\(test\/[^)]+\.test\.ts\)/.test(row))).toEqual([
      '| --- | --- |',
    ])
    expect(promises.length).toBeGreaterThan(5)
  })

  test('every decision has a number of its own and at most 30 lines', () => {
    const decisions = pages.filter((page) => page.startsWith('docs/decisions/'))
    const numbers = decisions.map((page) => page.slice('docs/decisions/'.length).slice(0, 4))
    expect(numbers.filter((number) => !/^\d{4}$/.test(number))).toEqual([])
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(decisions.filter((page) => lines(page) > 30)).toEqual([])
  })
})
