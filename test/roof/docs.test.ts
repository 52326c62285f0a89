import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generatedPages } from '../../src/docs.ts'
import { top } from '../support/server.ts'

describe('generatedPages()', () => {
  test.each(Object.entries(generatedPages()))(
    '%s is as the tables of the code have it',
    (path, text) => {
      expect(existsSync(join(top, path)), `${path} is missing: npm run docs`).toBe(true)
      expect(readFileSync(join(top, path), 'utf8')).toBe(text)
    },
  )
})
