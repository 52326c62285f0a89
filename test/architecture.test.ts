import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf } from './support/imports.ts'
import { breaches, maxLines, rooms } from './support/rooms.ts'
import { longest } from './support/sequence.ts'

const top = join(import.meta.dirname, '..')
const paths = globSync('{src,routes,storage}/**/*.{ts,tsx,mts,cts,js,mjs,cjs}', { cwd: top })
  .map((path) => path.replaceAll('\\', '/'))
  .toSorted()
const sources = new Map(paths.map((path) => [path, readFileSync(join(top, path), 'utf8')]))
// The one file that runs before Node 26 and the packages are there.
sources.delete('src/prepare.mjs')

// So that a test that reads nothing cannot pass.
const leastFiles = 60
const leastImports = 250

describe('the house', () => {
  test('every import of every source file is one that its room may have, and none closes a cycle', () => {
    const { problems, imports } = breaches(sources)
    expect(problems).toEqual([])
    expect(imports).toBeGreaterThan(leastImports)
  })

  test('no source file was overlooked', () => {
    expect(sources.size).toBeGreaterThan(leastFiles)
    const git = spawnSync('git', ['ls-files', '--', 'src', 'routes', 'storage'], {
      cwd: top,
      encoding: 'utf8',
    })
    const tracked = git.status === 0 ? git.stdout.split('\n') : []
    const overlooked = tracked
      .filter((path) => /\.[mc]?[jt]sx?$/.test(path) && path !== 'src/prepare.mjs')
      .filter((path) => !sources.has(path) && existsSync(join(top, path)))
    expect(overlooked).toEqual([])
  })

  test('every source file is erasable TypeScript with the ending .ts', () => {
    expect([...sources.keys()].filter((path) => !path.endsWith('.ts'))).toEqual([])
  })

  test('every folder with sources is a room of the table', () => {
    const folders = new Set(Object.values(rooms).map(({ folder }) => folder))
    const inside = (path: string): boolean =>
      [...folders].some((folder) => folder !== 'src' && path.startsWith(`${folder}/`))
    const outside = [...sources.keys()].filter(
      (path) => !inside(path) && path.split('/').length > 2,
    )
    expect(outside).toEqual([])
  })
})

test('every test file that is to begin first is there', () => {
  expect(longest.filter((path) => !existsSync(join(top, path)))).toEqual([])
})

describe('importsOf()', () => {
  test('finds every form of import and none in comments and strings', () => {
    const source = `
      import a from './a.ts'
      import type { B } from './b.ts'
      import './c.ts'
      export * from './d.ts'
      export type { E } from './e.ts'
      export { f } from
        './f.ts'
      const g = await import('./g.ts')
      type H = import('./h.ts').H
      const i = new Worker(new URL('./i.ts', import.meta.url))
      const j = require('./j.ts')
      // import no from './comment.ts'
      const text = "import no from './string.ts'"
      const page = new URL('/page', base)
    `
    expect(importsOf('x.ts', source).specifiers).toEqual(
      Array.from('abcdefghij').map((letter) => `./${letter}.ts`),
    )
    expect(importsOf('x.ts', 'await import(name)').unknown).toEqual(['name'])
    expect(importsOf('x.ts', 'Buffer.from(a.Buffer)').nodeGlobals).toEqual(['Buffer'])
  })

  test('refuses a file that does not parse', () => {
    expect(() => importsOf('x.ts', 'import {')).toThrow(/^Cannot parse x\.ts/)
  })
})

describe('breaches()', () => {
  const ground = { 'src/domain/run.ts': 'export const a = 1' }

  test.each([
    ['src/domain/a.ts', "import 'node:fs'", /domain may not use node:fs/],
    ['src/domain/a.ts', "import '../mail/b.ts'", /domain may not know room mail/],
    ['src/domain/a.ts', 'export const b = Buffer.from("")', /uses Buffer/],
    ['routes/a.ts', "import 'node:crypto'", /routes may not use node:crypto/],
    ['routes/a.ts', "import { Hono } from 'express'", /routes may not use express/],
    ['routes/a.ts', "import '../src/mail/b.ts'", /routes may not know room mail/],
    ['src/import/a.ts', "import '../mail/b.ts'", /import may not know room mail/],
    ['src/drop/a.ts', "import type { A } from '../import/b.ts'", /drop may not know room import/],
    ['src/mail/a.ts', "import 'ssh2'", /mail may not use ssh2/],
    ['src/db/a.ts', "import '@aws-sdk/client-s3'", /db may not use @aws-sdk\/client-s3/],
    ['src/db/a.ts', "await import('../config.ts')", /db may not know room roof/],
    ['src/db/a.ts', "import 'npm:postgres'", /comes from no package/],
    ['src/db/a.ts', "import './none.ts'", /is no source file/],
    ['src/db/a.ts', 'await import(name)', /names no file/],
    ['src/db/a.ts', "import './a.ts'", /cycle: src\/db\/a\.ts → src\/db\/a\.ts/],
    ['src/db/a.ts', '\n'.repeat(maxLines + 1), /401 lines/],
    ['lib/a.ts', "import 'node:fs'", /lies in no room/],
  ])('finds in %s the breach %j', (path, source, problem) => {
    const files = new Map([
      ...Object.entries(ground),
      ['src/mail/b.ts', ''],
      ['src/import/b.ts', ''],
      ['src/config.ts', ''],
      [path, source],
    ])
    expect(breaches(files).problems).toEqual([expect.stringMatching(problem)])
  })

  test('finds a cycle through several files and rooms, also of types alone', () => {
    const files = new Map([
      ['src/domain/a.ts', "import type { B } from './b.ts'"],
      ['src/domain/b.ts', "import type { C } from './c.ts'"],
      ['src/domain/c.ts', "import type { A } from './a.ts'"],
    ])
    expect(breaches(files).problems).toEqual([
      'cycle: src/domain/a.ts → src/domain/b.ts → src/domain/c.ts → src/domain/a.ts',
    ])
  })

  test('lets a room import what the table allows', () => {
    const files = new Map([
      ...Object.entries(ground),
      ['src/mail/a.ts', "import 'node:fs'\nimport 'nodemailer'\nimport '../domain/run.ts'"],
      ['storage/s3.ts', "import '@aws-sdk/client-s3'\nimport '../src/domain/run.ts'"],
      ['src/commands/x.ts', "import '../mail/a.ts'\nimport 'ssh2'"],
      ['routes/a.ts', "import { html } from 'hono/html'\nimport '../src/domain/run.ts'"],
    ])
    expect(breaches(files).problems).toEqual([])
  })
})
