import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { formatPages } from '../../src/commands/docs-generate.ts'
import { fieldNames } from '../../src/domain/format.ts'
import { matchHeader } from '../../src/domain/header.ts'
import { reasonCodes } from '../../src/domain/reason.ts'

const top = join(import.meta.dirname, '..', '..')
const pages = formatPages()

describe('formatPages()', () => {
  test.each(Object.keys(pages))(
    'gives %s as it is checked in; `npm run docs` renews it',
    (path) => {
      expect(readFileSync(join(top, path), 'utf8')).toBe(pages[path])
    },
  )

  test('names every column and every code, and fills in every sentence', () => {
    const page = pages['docs/file-format.md'] ?? ''
    for (const field of fieldNames) expect(page).toContain(`| \`${field}\` |`)
    for (const code of reasonCodes)
      expect(page).toMatch(new RegExp(`^\\| ${code} \\| .+ \\|$`, 'm'))
    expect(page).not.toMatch(/[{}]|undefined/)
  })

  test('gives a template whose header matches every field', () => {
    const [header = '', ...rest] = (pages['examples/template.csv'] ?? '').split('\r\n')
    expect(matchHeader(header.split(','))).toMatchObject({ fields: [...fieldNames], reasons: [] })
    expect(rest).toEqual([''])
  })
})
