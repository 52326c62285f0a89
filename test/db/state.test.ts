import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openState } from '../../src/db/sqlite/state.ts'
import { idempotencyContract } from './idempotency-contract.ts'
import { sessionsContract } from './sessions-contract.ts'
import { stateRunsContract } from './runs-contract.ts'
import { stateContract } from './state-contract.ts'
import { webhooksContract } from './webhooks-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'rosterdrop-state-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = async (name: string) => openState(join(folder, `${name}.db`))

stateContract('SQLite', open)
stateRunsContract('SQLite', open)
sessionsContract('SQLite', open)
idempotencyContract('SQLite', open)
webhooksContract('SQLite', open)

test('own() of SQLite gives nothing to a second process of the folder until the first has closed it', async () => {
  const [first, second] = [await open('owned'), await open('owned')]
  const release = await first.own('imports')
  expect(release).toBeDefined()
  expect(await second.own('imports')).toBeUndefined()
  await release?.()
  // Nor anything else, for as long as the first may own something.
  expect(await second.own('mails')).toBeUndefined()
  await first.close()
  expect(await second.own('imports')).toBeDefined()
  await second.close()
})
