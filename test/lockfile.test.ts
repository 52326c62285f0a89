import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'

const entry = z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() })
const lockfile = z
  .object({ packages: z.record(z.string(), entry) })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8')))

// `npm ci` refuses a lockfile without the packages of other platforms, and npm writes such a one without
// a word when the registry does not have them yet.
test('package-lock.json has every optional package that one of its packages names', () => {
  const missing: string[] = []
  let seen = 0
  for (const [path, { optionalDependencies = {} }] of Object.entries(lockfile.packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      seen += 1
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      if (!places.some((place) => place in lockfile.packages)) missing.push(`${path} → ${name}`)
    }
  }
  expect(missing).toEqual([])
  expect(seen).toBeGreaterThan(50)
})
