import { afterEach, beforeEach, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import type { Session } from '../../src/domain/account.ts'
import type { StateStore } from '../../src/domain/state.ts'

let state: StateStore
beforeEach(() => {
  state = openState(':memory:')
})
afterEach(() => state.close())

const session = (changes: Partial<Session> = {}): Session => ({
  hash: 'a'.repeat(64),
  kind: 'link',
  scope: 'operator',
  tenantId: null,
  tokenHash: null,
  name: 'first run',
  createdAt: 1_000,
  expiresAt: 2_000,
  ...changes,
})

test('sessions.get() gives back what was kept, and nothing for another hash', async () => {
  await state.sessions.create(session())
  expect(await state.sessions.get('a'.repeat(64))).toEqual(session())
  expect(await state.sessions.get('b'.repeat(64))).toBeUndefined()
})

test('sessions.take() gives a link to one of many takers', async () => {
  await state.sessions.create(session())
  const taken = await Promise.all([1, 2, 3].map(() => state.sessions.take('a'.repeat(64))))
  expect(taken.filter((one) => one !== undefined)).toEqual([session()])
  expect(await state.sessions.get('a'.repeat(64))).toBeUndefined()
})

test('sessions.create() forgets what has expired', async () => {
  await state.sessions.create(session())
  await state.sessions.create(session({ hash: 'b'.repeat(64), createdAt: 2_000, expiresAt: 3_000 }))
  expect(await state.sessions.get('a'.repeat(64))).toBeUndefined()
  expect(await state.sessions.get('b'.repeat(64))).toBeDefined()
})
