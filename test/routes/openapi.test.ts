import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, describe, expect, test } from 'vitest'
import { authorisation } from '../../routes/auth.ts'
import { openWorld } from './client.ts'
import type { World } from './client.ts'

let world: World
let document: { paths: Record<string, Record<string, Record<string, unknown>>> }
beforeAll(async () => {
  world = await openWorld()
  document = (await (await world.app.request('/openapi.json')).json()) as typeof document
})

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('GET /openapi.json', () => {
  test('is a valid document of OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
  })

  test('has every route of the authorisation table with its scopes, and no other', () => {
    const scopes = operations().map(({ path, method, operation }): [string, unknown] => [
      `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      operation['x-scopes'],
    ])
    expect(Object.fromEntries(scopes)).toEqual(authorisation)
  })

  test('is tidy: ids are single, every operation has a summary and answers, every reference leads somewhere', () => {
    const ids = operations().map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { operation, path } of operations()) {
      expect(operation['summary'], path).toMatch(/^[A-Z].{5,}[^.]$/)
      expect(Object.keys(operation['responses'] ?? {}).length, path).toBeGreaterThan(1)
    }
    const text = JSON.stringify(document)
    const references = Array.from(text.matchAll(/"#(\/components\/[^"]+)"/g), ([, at = '']) => at)
    expect(references.length).toBeGreaterThan(50)
    for (const reference of references) {
      const parts = reference.split('/').slice(1)
      const found = parts.reduce<unknown>(
        (at, part) => (at as Record<string, unknown> | undefined)?.[part],
        document,
      )
      expect(found, reference).toBeTypeOf('object')
    }
    expect(text).not.toContain('$defs')
  })
})

describe('GET /docs', () => {
  test('is one page with every route that loads nothing and runs nothing', async () => {
    const answer = await world.app.request('/docs')
    expect(answer.headers.get('content-type')).toContain('text/html')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'/)
    const page = await answer.text()
    expect(page).not.toMatch(
      /<script|<link|<img|@import|url\(|\son\w+=|\sstyle=|(?:src|href|action)=.?https?:/i,
    )
    for (const { path, method } of operations()) {
      expect(page).toContain(`<code>${method.toUpperCase()} ${path}</code>`)
    }
    const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
  })
})
