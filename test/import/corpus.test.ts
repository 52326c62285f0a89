import { test } from 'vitest'
import { corpus } from '../support/corpus.ts'
import { checkCase } from './corpus-case.ts'
import { openDesk } from './desk.ts'

test.each(corpus)('importing $file shows what is expected: $what', async (expected) => {
  const { settings, loginSources } = expected
  await checkCase(expected, openDesk({ settings, loginSources }))
})
