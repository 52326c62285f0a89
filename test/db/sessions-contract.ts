import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session } from '../../src/domain/account.ts'
import type { StateStore } from '../../src/domain/state.ts'
import type { OpenState } from './state-samples.ts'

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

/** How every state store keeps the console's sessions and links. */
export function sessionsContract(name: string, open: OpenState): void {
  let opened = 0
  let state: StateStore

  describe(`the sessions contract: ${name}`, () => {
    beforeEach(async () => {
      opened += 1
      state = await open(`sessions_${opened}`)
    })
    afterEach(() => state.close())

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
      await state.sessions.create(
        session({ hash: 'b'.repeat(64), createdAt: 2_000, expiresAt: 3_000 }),
      )
      expect(await state.sessions.get('a'.repeat(64))).toBeUndefined()
      expect(await state.sessions.get('b'.repeat(64))).toBeDefined()
    })
  })
}
